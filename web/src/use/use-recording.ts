/** Whether the live is recorded, asked again while the page is open. */
import { onMounted, onScopeDispose, shallowRef, watch } from 'vue'
import type { Api } from '../lib/base/api'
import type { RecordingStatus } from '../lib/base/bodies'
import { recordingOf } from '../lib/base/replay-api'
import type { LiveState } from '../lib/base/wire'

const EVERY_MS = 10_000

/** `liveState`: a recording begins and ends with it. */
export function useRecording(roomId: string, api: Api, liveState: () => LiveState) {
  const status = shallowRef<RecordingStatus | null>(null)

  async function refresh(): Promise<void> {
    try {
      status.value = await recordingOf(api, roomId)
    } catch {
      // What was known stays.
    }
  }
  onMounted(refresh)
  watch(liveState, refresh)
  const timer = setInterval(() => void refresh(), EVERY_MS)
  onScopeDispose(() => clearInterval(timer))
  return status
}
