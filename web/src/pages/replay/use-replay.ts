/** A recorded live: its media, what the room showed at the time that plays, and its clips. */
import { computed, onMounted, onScopeDispose, ref, shallowRef } from 'vue'
import { type Api, Refused } from '../../lib/base/api'
import { clipPath, clipThumbnailPath, replayOf, replayPath, shownIn } from '../../lib/base/replay-api'
import type { Clip, Replay } from '../../lib/base/bodies'
import type { RoomState } from '../../lib/base/wire'
import { ReplayRoom } from '../../lib/room/replay'
import { EMPTY_ROOM } from '../../lib/room/room-state'

/** Wait between attempts, ms. */
const RETRY_MS = 3000

/** `clipId`: only this clip plays, null: the whole live. */
export function useReplay(roomId: string, liveId: string, clipId: string | null, api: Api) {
  const replay = shallowRef<Replay | null>(null)
  const missing = ref(false)
  const state = shallowRef<RoomState>(EMPTY_ROOM)
  /** The clip that plays alone. */
  const alone = ref(clipId)
  let room = new ReplayRoom([])
  let timer = 0

  async function load(): Promise<void> {
    try {
      replay.value = await replayOf(api, roomId, liveId)
      room = new ReplayRoom(await shownIn(api, roomId, liveId))
      showAt(0)
    } catch (error) {
      if (error instanceof Refused && error.status === 404) missing.value = true
      else timer = window.setTimeout(() => void load(), RETRY_MS)
    }
  }
  onMounted(load)
  onScopeDispose(() => clearTimeout(timer))

  const clip = computed<Clip | null>(
    () => replay.value?.clips.find((each) => each.id === alone.value) ?? null,
  )
  /** A clip's file begins with the segment of its moment: a second or two earlier. */
  function showAt(seconds: number): void {
    state.value = room.at(seconds + (clip.value ? clip.value.start_ms / 1000 : 0))
  }
  /** The product that was on the table then. */
  const productId = computed(() => clip.value?.product_id ?? state.value.cards[0]?.product.id ?? null)

  return {
    replay,
    missing,
    state,
    clip,
    productId,
    showAt,
    src: computed(() => (clip.value ? clipPath(roomId, clip.value.id) : `${replayPath(roomId, liveId)}.mp4`)),
    /** What is shown before it plays: of the whole live, its first product. */
    poster: computed(() => {
      const shown = clip.value ?? replay.value?.clips[0]
      return shown ? clipThumbnailPath(roomId, shown) : null
    }),
    /** Leave the clip for the whole live. */
    playWhole: () => (alone.value = null),
  }
}
