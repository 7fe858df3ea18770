/** Whether the live is recorded, asked again while the page is open. */
import { onMounted, onScopeDispose, shallowRef } from 'vue'
import type { Api } from '../lib/base/api'
import type { RecordingStatus } from '../lib/base/bodies'
import { recordingOf } from '../lib/base/replay-api'

const EVERY_MS = 10_000

export function useRecording(roomId: string, api: Api) {
  const status = shallowRef<RecordingStatus | null>(null)

  async function refresh(): Promise<void> {
    try {
      status.value = await recordingOf(api, roomId)
    } catch {
      // What was known stays.
    }
  }
  onMounted(refresh)
  const timer = setInterval(() => void refresh(), EVERY_MS)
  onScopeDispose(() => clearInterval(timer))
  return status
}
