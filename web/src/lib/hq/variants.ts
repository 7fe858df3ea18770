/** The options of a product: its variants and itself, as one form edits them. */
import type { Api } from '../base/api'
import type { LocalText } from '../base/wire'
import { type Barcode, type Product, type ProductDraft, draftOf } from './goods'
import { Resource } from './list'

/** Variants of one product; the server takes no more. */
export const VARIANTS_MAX = 12

export interface OptionDraft {
  /** null for one that is added. */
  product: Product | null
  codes: string[]
  name: LocalText
  price_fen: number
  on_sale: boolean
  /** A barcode that is added. */
  code: string
}

/** Reads and writes one family: `head` is the product that the others are variants of. */
export class ProductFamily {
  readonly #products: Resource<Product, Partial<ProductDraft> & { image?: string }>

  constructor(
    private readonly api: Api,
    private readonly headId: string,
  ) {
    this.#products = new Resource(api, '/api/hq/products')
  }

  /** The options, the head first. */
  async read(): Promise<OptionDraft[]> {
    const filters = { family: this.headId }
    const { rows } = await this.#products.list({ q: '', sort: '', page: 1, per_page: 100, filters })
    rows.sort((a, b) => Number(b.id === this.headId) - Number(a.id === this.headId))
    return Promise.all(rows.map(async (product) => optionOf(product, await this.#codes(product.id))))
  }

  /** Write what is different of one option, and return it as it is then. */
  async write(head: Product, option: OptionDraft): Promise<OptionDraft> {
    const { product, name, price_fen, on_sale, code } = option
    let now = product
    if (!product) now = await this.#products.create(newVariant(head, option))
    else if (!same(optionOf(product, []), option)) {
      const list_price_fen = Math.max(price_fen, product.list_price_fen)
      const sent = { option: name, price_fen, list_price_fen, on_sale }
      now = await this.#products.update(product.id, product.version, sent)
    }
    const { id } = now as Product
    // Kept before the code is sent: if that is refused, the product is not added twice.
    option.product = now
    if (code) await this.api.send('PUT', `${this.#codesOf(id)}/${encodeURIComponent(code)}`, {})
    return optionOf(now as Product, code ? [...option.codes, code] : option.codes)
  }

  #codesOf = (id: string) => `/api/hq/products/${encodeURIComponent(id)}/barcodes`
  async #codes(id: string): Promise<string[]> {
    const { barcodes } = await this.api.get<{ barcodes: Barcode[] }>(this.#codesOf(id))
    return barcodes.map((one) => one.code)
  }
}

/** One more option, at the head's price until another is typed. */
export function blankOption(head: Product): OptionDraft {
  const { price_fen } = head
  return { product: null, codes: [], name: { zh: '', en: '' }, price_fen, on_sale: true, code: '' }
}

function optionOf(product: Product, codes: string[]): OptionDraft {
  const { option, price_fen, on_sale } = product
  return { product, codes, name: { ...option }, price_fen, on_sale, code: '' }
}

function same(one: OptionDraft, other: OptionDraft): boolean {
  return (
    one.price_fen === other.price_fen &&
    one.on_sale === other.on_sale &&
    one.name.zh === other.name.zh &&
    one.name.en === other.name.en
  )
}

/** A variant is what the head is, but for its option and price; groups and bounds are its own. */
function newVariant(head: Product, { name, price_fen, on_sale }: OptionDraft) {
  return {
    ...draftOf(head),
    image: head.image,
    variant_of: head.id,
    option: name,
    price_fen,
    list_price_fen: price_fen,
    group_price_fen: 0,
    own_price_min_fen: 0,
    own_price_max_fen: 0,
    on_sale,
  }
}
