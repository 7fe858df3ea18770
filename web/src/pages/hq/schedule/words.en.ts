import type { zh } from './words.zh'

export const en: typeof zh = {
  schedule: {
    title: 'Schedule of lives',
    explanation:
      'The scheduled lives of all shops in a week. Add, move or cancel them for a shop; reminders of neighbours follow.',
    add: 'Schedule a live',
    edit: 'Move: {title}',
    previous: 'Week before',
    next: 'Week after',
    this_week: 'This week',
    nothing: 'No live',
    room: 'Room',
    room_line: '{store} · {title}',
    name: 'Title',
    teaser: 'About',
    starts: 'Begins',
    move: 'Move',
    cancel: 'Cancel it',
    cancel_again: 'Tap again to cancel it',
    cancelled: 'Cancelled.',
    conflict: 'Less than an hour from another live of the room',
    full: 'This room has 20 scheduled lives already.',
    failed: 'The schedule was not read. Please try again.',
  },
}
