import type { zh } from './words.zh'

export const en: typeof zh = {
  map: {
    title: 'Map',
    explanation:
      'Where estates, stores and warehouses are; estates of one colour are served first by the same store.',
    city: 'City',
    all: 'All cities',
  },
}
