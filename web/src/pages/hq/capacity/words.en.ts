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
    close: 'Close for today',
    close_sure: 'Close, and move its orders?',
    reopen: 'Open again',
    closed_done: 'Closed: {moved} orders go to other stores if their buyers agree, {refunded} are paid back.',
    close_failed: 'That did not work. Please try again.',
    edit: 'Edit packers',
    refresh: 'Refresh',
    failed: 'Could not be read. Please try again.',
  },
}
