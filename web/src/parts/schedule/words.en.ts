/** The words of scheduled lives, in English: of the room's card and of the host's sheet. */
export const en = {
  schedule: {
    label: 'Next live',
    next: 'Next live',
    begins_in: 'Begins in',
    days: '{n} d',
    soon: 'About to begin, the host is getting ready…',
    goods: 'Goods of the next live',
    open: 'Scheduled lives',
    title: 'Schedule a live',
    none: 'No live is scheduled yet.',
    name: 'Title',
    name_hint: 'e.g. Friday fish night',
    teaser: 'A line about it (optional)',
    begins: 'Begins',
    pick: 'Goods to show, at most {n}',
    save: 'Schedule',
    cancel: 'Cancel this live',
    failed: 'It was not saved, please try again.',
    past: 'A live begins within the next 90 days.',
    full: 'Too many lives are scheduled: cancel some first.',
  },
}
