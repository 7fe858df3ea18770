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
  },
}
