import type { zh } from './words.zh'

export const en: typeof zh = {
  aftersales: {
    page: 'After-sales and ratings',
    explanation:
      'Small amounts come back by rule; leaders, stores or head office decide the others, and what is late comes here.',
    faults: 'Faults of 30 days',
    fault_line: '{claims} claims, {approved} approved, {price} refunded',
    no_faults: 'No claims in 30 days.',
    ratings: 'Ratings',
    only_held: 'Only those to be read',
    held: 'To be read',
    hidden: 'Hidden',
    hide: 'Hide',
    show: 'Show',
    no_ratings: 'There are no ratings.',
    not_changed: 'That did not work, please try again.',
  },
}
