import type { zh } from './words.zh'

export const en: typeof zh = {
  assortment: {
    title: 'Assortment',
    explanation:
      'What is on sale is offered everywhere; these rules leave cities and estates out, or bring them back.',
    add: 'Add a rule',
  },
}
