// Publishes over WHIP as OBS does, with libdatachannel: node obs_host.mjs URL TOKEN PACKETS [RID…].
//
// PACKETS holds RTP packets, each after its time in ms (32 bits), its section (8 bits; 0 is audio,
// 1 is video) and its length (16 bits). Prints {status, location, answer}, and once standard input
// ends and the session is deleted {deleted}.
import { readFileSync } from 'node:fs'
import { Audio, PeerConnection, Video, cleanup } from 'node-datachannel'

const [url, token, file, ...rids] = process.argv.slice(2)
const say = (said) => console.log(JSON.stringify(said))
const authorization = { Authorization: `Bearer ${token}` }

const audio = new Audio('0', 'SendOnly')
audio.addOpusCodec(111, 'minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1')
audio.addSSRC(1000, 'obs', 'obs', 'obs-audio')
const video = new Video('1', 'SendOnly')
video.addH264Codec(96, 'profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1')
video.addSSRC(2000, 'obs', 'obs', 'obs-video')
if (rids.length) {
  video.parseSdpLine('a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid')
  video.parseSdpLine('a=extmap:2 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id')
  for (const rid of rids) video.parseSdpLine(`a=rid:${rid} send`)
  video.parseSdpLine(`a=simulcast:send ${rids.join(';')}`)
}

const peer = new PeerConnection('obs', {
  iceServers: [],
  bindAddress: '127.0.0.1',
  disableAutoNegotiation: true,
})
const tracks = [peer.addTrack(audio), peer.addTrack(video)]
const open = tracks.map((track) => new Promise((resolve) => track.onOpen(resolve)))
const described = new Promise((resolve) => peer.onLocalDescription(resolve))
peer.setLocalDescription('Offer')
// OBS offers before it gathers.
const offer = (await described).replace(/^a=(candidate|end-of-candidates).*\r?\n/gm, '')
const answered = await fetch(url, {
  method: 'POST',
  headers: { 'Content-Type': 'application/sdp', ...authorization },
  body: offer,
})
const answer = await answered.text()
const location = answered.headers.get('Location')
say({ status: answered.status, location, answer, offer })
peer.setRemoteDescription(answer, 'Answer')
await Promise.all(open)

const packets = readFileSync(file)
const started = performance.now()
let at = 0
const clock = setInterval(() => {
  while (at < packets.length && packets.readUInt32BE(at) <= performance.now() - started) {
    const end = at + 7 + packets.readUInt16BE(at + 5)
    tracks[packets[at + 4]].sendMessageBinary(packets.subarray(at + 7, end))
    at = end
  }
}, 5)

process.stdin.resume()
await new Promise((resolve) => process.stdin.on('end', resolve))
clearInterval(clock)
const deleted = await fetch(new URL(location, url), { method: 'DELETE', headers: authorization })
say({ deleted: deleted.status })
peer.close()
cleanup()
