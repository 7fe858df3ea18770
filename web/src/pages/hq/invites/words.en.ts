import type { zh } from './words.zh'

export const en: typeof zh = {
  invites: {
    title: 'Invites not counted',
    explanation:
      'These orders are delivered like any other, they just earn no award. If the same people come up again and again, ask the shop first.',
    nothing: 'All invites counted lately.',
    pair: '{inviter} invited {invited}',
    person: '{name} · building {building}',
    neighbour: 'A neighbour',
    order: 'Order {number}',
    reason_own_household: 'Same household',
    reason_other_estate: 'Another estate',
    reason_joined_before: 'Had joined before',
    reason_own_device: 'The inviter’s phone',
    reason_same_device: 'A phone that counted before',
    reason_same_address: 'Two from this network counted',
    reason_ring: 'Invited each other within 30 days',
    reason_same_pair: 'The same two, three times in 30 days',
    reason_too_many: 'The inviter had 20 in 30 days',
  },
}
