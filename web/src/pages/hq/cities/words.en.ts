import type { zh } from './words.zh'

export const en: typeof zh = {
  cities: {
    title: 'Cities',
    explanation: 'Estates of a city can share prices and what is on offer.',
    estates: 'Estates',
    add: 'Add a city',
  },
}
