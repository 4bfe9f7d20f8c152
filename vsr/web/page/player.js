// The upscaled stream: received by WebRTC, played, and the way from the network to the display measured.

const STALE_MS = 4000;
const SMOOTHING = 0.1;

// The description once all of this machine's addresses are in it: there is no server to ask for more.
export async function offered(peer) {
  await peer.setLocalDescription();
  if (peer.iceGatheringState !== "complete") {
    await new Promise(done => {
      peer.addEventListener("icegatheringstatechange", () => peer.iceGatheringState === "complete" && done());
      setTimeout(done, 1000);
    });
  }
  return peer.localDescription.sdp;
}

export class Player {
  // `send` sends a message to the run; `playing` is called with each displayed frame.
  constructor(video, send, playing) {
    this.reachable = true;   // false where the browser has no network: it plays no streams then, not even its own machine's
    this.video = video;
    this.send = send;
    this.playing = playing;
    this.peer = null;
    this.displayMs = null;   // from receiving a frame's last packet to its display, of late
    this.sound = false;
    this.networkMs = null;   // half a round trip
    this.watchFrames();
    setInterval(() => this.measureNetwork(), 1000);
  }

  async connect() {
    this.close();
    const peer = this.peer = new RTCPeerConnection({iceServers: []});
    const stream = new MediaStream();
    // Browsers hold pictures back until their sound is there: it is asked for only when it is heard.
    for (const kind of this.sound ? ["video", "audio"] : ["video"]) peer.addTransceiver(kind, {direction: "recvonly", streams: [stream]});
    peer.ontrack = ({track, receiver}) => {
      // As little as the network allows: what is shown is live.
      if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
      stream.addTrack(track);
      if (this.video.srcObject !== stream) this.video.srcObject = stream;
      this.video.play().catch(() => {});   // refused with sound before a gesture: the page begins muted
    };
    peer.onconnectionstatechange = () => {
      if (peer !== this.peer) return;
      clearTimeout(this.stale);
      if (peer.connectionState === "failed") this.connect();
      if (peer.connectionState === "disconnected") this.stale = setTimeout(() => this.connect(), STALE_MS);
    };
    const sdp = await offered(peer);
    this.reachable = sdp.includes("a=candidate");
    if (peer === this.peer) this.send("watch", {sdp});
  }

  listen(on) {
    this.sound = on;
    this.video.muted = !on;
    this.connect();
  }

  async answered(sdp) {
    if (this.peer?.signalingState === "have-local-offer") await this.peer.setRemoteDescription({type: "answer", sdp});
  }

  close() {
    clearTimeout(this.stale);
    this.peer?.close();
    this.peer = null;
  }

  watchFrames() {
    if (!("requestVideoFrameCallback" in this.video)) {
      this.video.addEventListener("timeupdate", () => this.playing());
      return;
    }
    const seen = (_, frame) => {
      if (frame.receiveTime) {
        const taken = Math.max(frame.expectedDisplayTime - frame.receiveTime, 0);
        this.displayMs = (this.displayMs ?? taken) * (1 - SMOOTHING) + taken * SMOOTHING;
      }
      this.playing();
      this.video.requestVideoFrameCallback(seen);
    };
    this.video.requestVideoFrameCallback(seen);
  }

  async measureNetwork() {
    if (this.peer?.connectionState !== "connected") return;
    for (const report of (await this.peer.getStats()).values()) {
      if (report.type === "candidate-pair" && report.nominated && report.currentRoundTripTime !== undefined) {
        this.networkMs = report.currentRoundTripTime * 500;
      }
    }
  }
}
