/** The host's camera and microphone: opened, chosen, switched, and the reason when one cannot be opened. */
import { onScopeDispose, ref, shallowRef } from 'vue'
import { type CameraTrouble, cameraTrouble } from '../lib/media/camera'

const VIDEO: MediaTrackConstraints = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30, max: 30 },
}
/** Phones list several lenses per side, and process the sound of a call together. */
const isPhone = () => /Android|iPhone|iPad/.test(navigator.userAgent)
/** Elsewhere both channels: browsers cancel echo in one channel only, and this page plays nothing that could come back. */
const audioOf = (phone: boolean): MediaTrackConstraints => ({
  noiseSuppression: true,
  autoGainControl: true,
  echoCancellation: phone,
  ...(phone ? {} : { channelCount: { ideal: 2 } }),
})

export function useCamera() {
  const stream = shallowRef<MediaStream | null>(null)
  const trouble = ref<CameraTrouble | null>(null)
  const cameras = shallowRef<MediaDeviceInfo[]>([])
  const microphones = shallowRef<MediaDeviceInfo[]>([])
  const camera = ref('')
  const microphone = ref('')
  const facing = ref<'user' | 'environment'>('user')
  const micOn = ref(true)
  const hasMicrophone = ref(true)

  async function open(): Promise<boolean> {
    if (!navigator.mediaDevices?.getUserMedia) {
      trouble.value = 'insecure'
      return false
    }
    close()
    try {
      stream.value = await ask()
    } catch (error) {
      trouble.value = cameraTrouble(error instanceof DOMException ? error.name : '')
      return false
    }
    trouble.value = null
    await apply(stream.value)
    return true
  }

  /** Video and audio; without a microphone video alone is better than nothing. */
  async function ask(): Promise<MediaStream> {
    const video = {
      ...VIDEO,
      ...(camera.value ? { deviceId: { exact: camera.value } } : { facingMode: facing.value }),
    }
    const audio = {
      ...audioOf(isPhone()),
      ...(microphone.value ? { deviceId: { exact: microphone.value } } : {}),
    }
    try {
      return await navigator.mediaDevices.getUserMedia({ video, audio })
    } catch (error) {
      if (!(error instanceof DOMException) || cameraTrouble(error.name) !== 'missing') throw error
      return await navigator.mediaDevices.getUserMedia({ video })
    }
  }

  async function apply(opened: MediaStream): Promise<void> {
    const video = opened.getVideoTracks()[0]
    const audio = opened.getAudioTracks()[0]
    hasMicrophone.value = audio !== undefined
    if (audio) audio.enabled = micOn.value
    if (video) {
      video.contentHint = 'motion'
      video.onended = () => (trouble.value = 'lost')
    }
    const devices = await navigator.mediaDevices.enumerateDevices()
    cameras.value = devices.filter((device) => device.kind === 'videoinput')
    microphones.value = devices.filter((device) => device.kind === 'audioinput')
    camera.value = video?.getSettings().deviceId ?? ''
    microphone.value = audio?.getSettings().deviceId ?? ''
  }

  function close(): void {
    for (const track of stream.value?.getTracks() ?? []) {
      track.onended = null
      track.stop()
    }
    stream.value = null
  }
  onScopeDispose(close)

  return {
    stream,
    trouble,
    cameras,
    microphones,
    camera,
    microphone,
    micOn,
    facing,
    hasMicrophone,
    open,
    close,
    /** Front to back and round again; with named cameras, the next one. */
    async rotate(): Promise<boolean> {
      facing.value = facing.value === 'user' ? 'environment' : 'user'
      const index = cameras.value.findIndex((device) => device.deviceId === camera.value)
      // Which way a phone's lenses face is asked for, not guessed from names.
      camera.value = isPhone()
        ? ''
        : (cameras.value[(index + 1) % Math.max(1, cameras.value.length)]?.deviceId ?? '')
      return await open()
    },
    toggleMic(): void {
      micOn.value = !micOn.value
      for (const track of stream.value?.getAudioTracks() ?? []) track.enabled = micOn.value
    },
  }
}
