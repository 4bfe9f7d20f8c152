// This device's camera on its way to the run.

import {offered} from "./player.js";

const REFUSALS = {
  NotAllowedError: "The browser was not allowed to use the camera. Allow it in the address bar's site settings, then try again.",
  NotFoundError: "No camera was found on this device.",
  NotReadableError: "The camera is in use by another program; close that one and try again.",
  OverconstrainedError: "No camera here can do that.",
};
const INSECURE = "Browsers give the camera only to pages from this machine (localhost) or by https. "
  + "Open the page on the machine that runs vsr, or forward the port to it: ssh -L.";

export class Camera {
  // `send` sends a message to the run; `tell` gets (on, words, bad) whenever something changes.
  constructor(send, tell) {
    this.send = send;
    this.tell = tell;
    this.stream = this.peer = null;
  }

  get on() { return this.stream !== null; }

  async start(facing, sound) {
    if (!navigator.mediaDevices) return this.tell(false, INSECURE, true);
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({
        video: {facingMode: facing, width: {ideal: 640}, height: {ideal: 360}, frameRate: {ideal: 30}},
        audio: sound,
      });
    } catch (error) {
      return this.tell(false, REFUSALS[error.name] ?? `The camera can't be used: ${error.message}`, true);
    }
    this.stream.getVideoTracks()[0].onended = () => this.stop("The camera has gone.", true);
    await this.connect();
  }

  async connect() {
    this.peer?.close();
    const peer = this.peer = new RTCPeerConnection({iceServers: []});
    peer.onconnectionstatechange = () => {
      if (peer === this.peer && peer.connectionState === "failed") this.connect();
    };
    for (const track of this.stream.getTracks()) {
      if (track.kind === "video") track.contentHint = "motion";   // rather coarser than late
      peer.addTransceiver(track, {direction: "sendonly", streams: [this.stream]});
    }
    const sdp = await offered(peer);
    if (peer !== this.peer) return;
    this.send("camera", {sdp});
    const {width, height} = this.stream.getVideoTracks()[0].getSettings();
    this.tell(true, `Sending ${width}×${height}.`, false);
  }

  async answered(sdp) {
    if (this.peer?.signalingState === "have-local-offer") await this.peer.setRemoteDescription({type: "answer", sdp});
  }

  stop(words = "", bad = false) {
    this.peer?.close();
    this.stream?.getTracks().forEach(track => track.stop());
    this.peer = this.stream = null;
    this.send("camera-off");
    this.tell(false, words, bad);
  }
}
