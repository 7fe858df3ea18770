import type { zh } from './words.zh'

export const en: typeof zh = {
  capacity: {
    title: 'Windows and packers',
    explanation: 'How many orders each store takes per half hour, and how many it has. Darker is fuller.',
    store: 'Store',
    packers: 'Packers',
    on_time: 'On time today',
    none: 'none yet',
    makes: '{packers} × {rate} orders/h',
    uncounted: 'does not count slots',
    cell: '{store} {span}: {taken} taken, {held} on their way, {free} free',
    legend: 'In each cell: taken (with those on their way) / capacity',
    closed_until: 'closed until {time}',
    edit: 'Edit packers',
    refresh: 'Refresh',
    failed: 'Could not be read. Please try again.',
  },
}
