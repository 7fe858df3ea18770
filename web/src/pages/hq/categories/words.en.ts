import type { zh } from './words.zh'

export const en: typeof zh = {
  categories: {
    title: 'Categories',
    explanation: 'Where each product belongs: at most three levels, 200 in all.',
    add: 'Add a category',
    parent: 'Below',
    top: 'Nothing (first level)',
    rank: 'Order among its siblings (small first)',
    products: 'Products',
    delete: 'Delete',
    delete_of: 'Delete category {name}',
    delete_sure: 'Delete the category “{name}”?',
    in_use: 'Products or other categories hang in it. Move them first.',
    bad_parent: 'Not below itself, and three levels at most.',
  },
}
