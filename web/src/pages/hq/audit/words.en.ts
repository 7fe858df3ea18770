import type { zh } from './words.zh'

export const en: typeof zh = {
  audit: {
    title: 'Audit trail',
    explanation:
      'All that staff did, in a chain of hashes: an entry that is changed, removed or inserted is found.',
    whole: 'All {n} entries are whole',
    broken: 'Altered from entry {n} on',
    checking: 'Checking…',
    who: 'Who',
    what: 'What',
    subject: 'Id of the subject',
    from: 'From',
    until: 'Until',
    everybody: 'Everybody',
    everything: 'All actions',
    operator: 'Command line',
    when: 'When',
    change: 'Change',
    nothing: '(empty)',
    older: 'Older entries',
    empty: 'No entry matches.',
    to: 'to',
  },
}
