import type { zh } from './words.zh'

export const en: typeof zh = {
  estates: {
    title: 'Estates',
    explanation:
      'Where neighbours live. A group belongs to one estate; its goods come from the first store that has them.',
    search: 'Estate, city or store',
    city: 'City',
    no_city: 'In no city',
    store: 'Served by',
    cells: 'H3 cells',
    rings: 'Rings of H3 cells around it',
    stores: 'Served by, in this order',
    stores_hint: 'The first chosen serves first; at most five',
    time_zone: 'Time zone',
    add: 'Add an estate',
  },
}
