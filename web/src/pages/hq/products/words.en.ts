import type { zh } from './words.zh'

export const en: typeof zh = {
  products: {
    title: 'Products',
    explanation: 'What the brand sells, and for how much. Rules say what each estate pays and is offered.',
    add: 'Add a product',
    search: 'Name, pinyin or id',
    category: 'Category',
    no_category: 'None',
    all_categories: 'All categories',
    picture: 'Picture',
    picture_of: 'Picture of {name}',
    picture_hint:
      'JPEG, PNG or WebP of at most 10 MB and 40 million pixels. Where and how it was taken is removed.',
    picture_choose: 'Choose a picture',
    picture_replace: 'Replace it',
    picture_remove: 'Remove it',
    picture_too_large: 'The file is too large: at most 10 MB.',
    picture_format: 'Only JPEG, PNG or WebP pictures; no SVG and no other files.',
    picture_pixels: 'Too many pixels: at most 40 million.',
    picture_broken: 'The picture is not whole, or damaged.',
    picture_failed: 'Not saved. Try again later.',
    codes: 'Barcodes',
    codes_of: 'Barcodes of {name}',
    code_label: 'New code (EAN-13, or seven digits of a weight code)',
    code_weight: 'Grams of one unit',
    code_grams: '{n} g each',
    code_add: 'Add the code',
    code_remove: 'Delete code {code}',
    code_wrong: 'No barcode: 13 digits with a right check digit, or seven that begin with 2.',
    no_codes: 'No barcode yet.',
  },
}
