/** Note cards: the cooking tip that goes with a product or set, in own words or as a photo of handwriting. */
import type { AtMs, LocalText } from '../base/wire'

/** Characters per language. */
export const WORDS_MAX = 200

/** A card as its writers see it: the head office's (no estate), or the own one of an estate. */
export interface NoteCard {
  product_id: string
  estate_id: string
  words: LocalText
  photo: string
  edited_at_ms: AtMs
}
/** A card as a buyer sees it. */
export interface ShownCard {
  product_id: string
  name: LocalText
  words: LocalText
  photo: string
}
/** A product with its leader's card and the head office's. */
export interface ProductCards {
  product_id: string
  name: LocalText
  image: string
  kind: 'item' | 'set'
  own: NoteCard | null
  brand: NoteCard | null
}

type Tip = Pick<NoteCard, 'words' | 'photo'>
export const isEmpty = ({ words, photo }: Tip) => !words.zh.trim() && !words.en.trim() && !photo

/** A tip in a language, or in the other one where it is written in that alone. */
export const tipIn = (locale: string, { words }: Tip) =>
  locale.startsWith('zh') ? words.zh || words.en : words.en || words.zh
