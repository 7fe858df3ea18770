/** The words of the head office's frame, in English; each section brings its own. */
import type { zh } from './hq.zh'

export const en: typeof zh = {
  hq: {
    title: 'Linli head office',
    login: 'Head office',
    not_hq: 'This account is not of the head office. Log in with one that is.',
    menu: 'Open or close the sections',
    sections: 'Sections',
    skip: 'Skip to the content',
  },
  table: {
    search: 'Search',
    total: '{n} in total',
    pages: 'Page {page} of {pages}',
    previous: 'Previous page',
    next: 'Next page',
    sort: 'Sort by {name}',
    actions: 'Actions',
    empty: 'Nothing here yet.',
    nothing_found: 'Nothing matches. Try another word.',
    failed: 'The list did not load.',
    per_page: 'Rows on a page',
  },
  form: {
    save: 'Save',
    saving: 'Saving…',
    saved: 'Saved.',
    required: 'Required',
    bad_field: 'Please check this.',
    bad_form: 'Something is not right. Please check what is marked in red.',
    stale: 'Somebody else has just changed this. Close it, open it again and repeat your change.',
    gone: 'This does not exist any more.',
    forbidden: 'This account may not do that.',
    not_saved: 'It was not saved. Check your connection and try again.',
    zh: 'Chinese',
    en: 'English',
    active: 'Active',
    inactive: 'Inactive',
    edit: 'Edit',
    edit_of: 'Edit {name}',
  },
}
