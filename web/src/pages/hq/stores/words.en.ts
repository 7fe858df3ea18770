import type { zh } from './words.zh'

export const en: typeof zh = {
  stores: {
    title: 'Stores',
    explanation: 'Goods lie here and are fetched here.',
    search: 'Name, address or id',
    estates: 'Estates',
    add: 'Add a store',
    packers: 'Packers',
    counted: 'Take orders by packers and half hours',
    uncounted_hint: 'No limit: orders at any time, and no window is promised.',
    rate: 'Orders per packer and hour',
    makes: 'Takes {n} orders per half hour; after that later windows or stores nearby do.',
    delivers: 'Brings goods to the door',
  },
}
