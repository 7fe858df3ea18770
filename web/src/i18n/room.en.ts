/** The words of the room's page, in English. */
import type { zh } from './room.zh'

export const en: typeof zh = {
  live: {
    unmute: 'Tap for sound',
    mute: 'Mute',
    sound_on: 'Turn the sound on',
    rehearsal: 'Rehearsal · only staff sees it',
    rehearses: 'The shop is rehearsing',
    rehearses_hint: 'The live begins soon; this page opens automatically.',
    no_room: 'There is no such room',
    no_room_hint: 'The link may be mistyped, or the room was taken down.',
    offline: 'You are offline. Reconnecting; what you miss will be caught up.',
    kicked: 'The connection to the room has ended (code {code}).',
    leave_title: 'Leave this live?',
    leave_text: 'Your orders stay; you can come back at any time.',
    leave_confirm: 'Leave',
    autoplay_hint: 'Tap to play',
    sound_only: 'Only the sound plays',
    show_video: 'Show the video',
  },
  notice: {
    connecting: 'Joining the live…',
    not_live: 'Not live yet',
    not_live_hint: 'As soon as {store} goes live, it plays here. No need to reload.',
    paused: 'The host’s connection dropped',
    paused_hint: 'Waiting for the host. The picture comes back automatically.',
    over: 'The live is over. Thank you!',
    replay: 'Watch the last replay',
    over_hint: 'Your orders go on as usual: the pickup code appears under “My orders”.',
    lost: 'Lost the picture, reconnecting…',
    lost_hint: 'You need not do anything: it resumes automatically.',
    blocked: 'This network blocks live video',
    blocked_hint: 'Try mobile data or another Wi-Fi, or switch off your VPN. Chat and group buys still work.',
    webrtc_only: 'This network cannot play this live',
    webrtc_only_hint:
      'The host’s video needs a direct connection. Use mobile data or another Wi-Fi, or turn off your VPN. Chat and group buys still work.',
    unsupported: 'This browser cannot play the live',
    unsupported_hint:
      'Update it, or open the page in Chrome, Edge or Safari. Chat and group buys still work.',
  },
  quality: {
    label: 'Picture quality',
    auto: 'Auto',
    high: 'High',
    standard: 'Standard',
    smooth: 'Smooth',
    sound: 'Sound only',
  },
}
