// The page's one connection with the run: JSON both ways, made anew whenever it breaks.

const FIRST_WAIT_MS = 500, LONGEST_WAIT_MS = 5000;
const POLICY_VIOLATION = 1008, GOING_AWAY = 1001;

export class Wire {
  // `hear` gets each message, `tell` gets (state, words) when the connection comes or goes.
  constructor(hear, tell) {
    this.hear = hear;
    this.tell = tell;
    this.wait = FIRST_WAIT_MS;
    this.open();
  }

  open() {
    const socket = this.socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/socket`);
    let opened = false;
    this.sent = 0;   // on this connection; the run tells how many of them it has heard
    socket.onopen = () => { opened = true; this.wait = FIRST_WAIT_MS; this.tell("open"); };
    socket.onmessage = event => this.hear(JSON.parse(event.data));
    socket.onclose = event => this.closed(event, opened);
  }

  async closed(event, opened) {
    if (event.code === POLICY_VIOLATION) {
      this.tell("refused", `The connection was refused: ${event.reason}. Reload the page.`);
      return;
    }
    if (event.code === GOING_AWAY && event.reason === "ended") this.tell("ended", "The run has ended.");
    else this.tell("gone", (!opened && await reason()) || "No connection to vsr; trying again.");
    setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
  }

  send(type, fields = {}) {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.socket.send(JSON.stringify({type, ...fields}));
    this.sent++;
  }
}

// Why a socket did not open is not told to scripts; the page's own address says it.
async function reason() {
  try {
    const response = await fetch("/", {cache: "no-store"});
    return response.ok ? null : await response.text();
  } catch {
    return null;
  }
}
