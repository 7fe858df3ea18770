/** The words of the replay's page, in English. */
export const en = {
  replay: {
    title: 'Replay',
    clip: 'Shown in the live',
    missing: 'There is no such replay',
    missing_hint: 'It may be older than replays are kept, or the link is not right.',
    failed: 'The replay cannot be played right now',
    failed_hint: 'Please check your connection and try again.',
    video: '{title}, replay of the live of {when}',
    moments: 'Products shown',
    moment: 'Watch “{name}”, from {time} on',
    no_moments: 'No products were shown in this live.',
    off_sale: 'No longer on sale',
    whole: 'Watch the whole replay',
    share: 'Share',
    shared: 'Link copied',
    share_failed: 'That was not copied. Please take the link from the address bar.',
    to_live: 'To the live room',
    group_then: 'At this moment of the live: {joined} of {target} had joined',
    at_time: 'What was said then',
  },
}
