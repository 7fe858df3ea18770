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
    recording_gib: 'Space of all recordings (GiB)',
  },
}
