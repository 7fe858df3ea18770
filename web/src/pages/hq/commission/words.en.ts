import type { zh } from './words.zh'

export const en: typeof zh = {
  commission: {
    title: 'Commission',
    explanation:
      'A share of what neighbours keep. The rate of a product outranks that of a leader, and that one an estate’s; what was accrued stays.',
    add: 'Set a rate',
    estate: 'Estate',
    leader: 'Leader',
    product: 'Product',
    all: 'All',
    rate: 'Rate (%)',
    remove: 'Take away',
    remove_sure: 'Take this rate away? What was accrued stays.',
    none: 'No rates yet: leaders get no commission.',
    efficiency: 'Households served in the last 30 days',
    served: '{households} households · {orders} orders',
    average: '{n} households per leader',
  },
}
