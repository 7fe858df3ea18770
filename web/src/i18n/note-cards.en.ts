/** The words of those who write note cards, in English. */
import type { zh } from './note-cards.zh'

export const en: typeof zh = {
  note_card: {
    title: 'Note cards',
    explanation:
      'A cooking tip that goes with the goods: printed after the label of the bag, and shown on the order once it is handed over.',
    write: 'Note card',
    write_of: 'Note card of {name}',
    words_zh: 'Tip in Chinese',
    words_en: 'Tip in English',
    photo: 'Photo of the handwriting',
    photo_add: 'Add a photo of handwriting',
    photo_replace: 'Replace the photo',
    photo_remove: 'Remove the photo',
    save: 'Save',
    remove: 'Take the card away',
    saved: 'The note card is saved',
    removed: 'The note card is gone',
    hint: 'At most {n} characters per language; one of them is enough. Where and how a photo was taken is removed.',
    refused: 'These words or this photo cannot be used: JPEG, PNG or WebP of at most 10 MB.',
    failed: 'Not saved. Check the network and try again.',
    not_read: 'The note cards were not read. Open them again later.',
    nothing: 'What neighbours buy is listed here.',
    of_own: 'My own',
    of_brand: 'From head office',
    of_none: 'No card yet',
  },
}
