import type { zh } from './words.zh'

export const en: typeof zh = {
  warehouses: {
    title: 'Warehouses',
    explanation: 'Goods come in here before they go to the stores.',
    add: 'Add a warehouse',
  },
}
