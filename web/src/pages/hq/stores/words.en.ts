import type { zh } from './words.zh'

export const en: typeof zh = {
  stores: {
    title: 'Stores',
    explanation: 'Goods lie here and are fetched here.',
    search: 'Name, address or id',
    estates: 'Estates',
    add: 'Add a store',
  },
}
