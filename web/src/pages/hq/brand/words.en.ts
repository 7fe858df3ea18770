import type { zh } from './words.zh'

export const en: typeof zh = {
  brand: {
    title: 'Brand settings',
    explanation: 'The name of the brand, and its limits per order and device.',
    confirm_above: 'Orders above this are confirmed by a second tap',
    units_per_address: 'Units of a product per network address and live',
    units_per_device: 'Units of a product per browser and live',
    seats_per_device: 'Seats in one group per browser',
    recording_days: 'Days that recordings are kept (0: none are made)',
    phone_needed: 'Neighbours verify a phone number before they order',
    member_prices: 'Neighbours with a verified phone number are members and pay member prices',
    split_orders: 'What no one shop has may be ordered from two, as two orders',
    store_presales: 'Shops open presales of their own, and may cancel their part of others',
    totp_needed: 'The head office logs in with an authenticator',
    yes: 'Yes',
    no: 'No',
    recording_gib: 'Space of all recordings (GiB)',
  },
}
