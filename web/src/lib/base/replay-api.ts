/** What the pages ask of recordings. */
import type { Api } from './api'
import type { Clip, RecordingStatus, Replay, Shown } from './bodies'

export type ClipChange = Partial<Pick<Clip, 'title' | 'hidden' | 'start_ms' | 'end_ms'>>

const roomPath = (room: string) => `/api/rooms/${encodeURIComponent(room)}`
/** Where the media of a recording is, without its suffix. */
export const replayPath = (room: string, live: string) =>
  `/live/${encodeURIComponent(room)}/replay/${encodeURIComponent(live)}`
export const clipPath = (room: string, clip: string) =>
  `/live/${encodeURIComponent(room)}/clips/${encodeURIComponent(clip)}.mp4`
/** A frame of a clip, at another address once the clip is cut again. */
export const clipThumbnailPath = (room: string, clip: Clip) =>
  `/live/${encodeURIComponent(room)}/clips/${encodeURIComponent(clip.id)}.jpg?${clip.start_ms}-${clip.end_ms}`

export const replaysOf = async (api: Api, room: string) =>
  (await api.get<{ replays: Replay[] }>(`${roomPath(room)}/replays`)).replays
export const replayOf = (api: Api, room: string, live: string) =>
  api.get<Replay>(`${roomPath(room)}/replays/${encodeURIComponent(live)}`)
/** What the room showed during a live. */
export const shownIn = async (api: Api, room: string, live: string) =>
  (await api.get<{ events: Shown[] }>(`${replayPath(room, live)}/events.json`)).events
export const changeClip = (api: Api, room: string, clip: string, change: ClipChange) =>
  api.send<Clip>('PATCH', `${roomPath(room)}/clips/${encodeURIComponent(clip)}`, change)
export const recordingOf = (api: Api, room: string) => api.get<RecordingStatus>(`${roomPath(room)}/recording`)
export const explain = (api: Api, room: string, product_id: string | null) =>
  api.send<null>('POST', `${roomPath(room)}/explain`, { product_id })
