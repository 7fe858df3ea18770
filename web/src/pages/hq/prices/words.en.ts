import type { zh } from './words.zh'

export const en: typeof zh = {
  prices: {
    title: 'Prices',
    explanation:
      'A narrower rule stands above a wider one. Of two for the same place, the one that began last holds; when it ends, the other comes back.',
    add: 'Add a price',
  },
}
