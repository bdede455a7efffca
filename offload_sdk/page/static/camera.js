// The camera: a live picture, and frames of it. Words for every way in which there is none.

import { Problem } from "./backend.js";

const WHY = {
  NotAllowedError: "The camera was refused. Allow it for this page in the browser’s settings, then try again.",
  SecurityError: "The browser does not let this page use a camera.",
  NotFoundError: "No camera was found.",
  OverconstrainedError: "No camera was found that gives such pictures.",
  NotReadableError: "The camera is there, but another program seems to use it.",
  AbortError: "The camera stopped before it gave a picture.",
};

export class Camera {
  #video;
  #stream = null;
  #lost;

  /** `lost` is called when the camera ends by itself. */
  constructor(video, lost) {
    this.#video = video;
    this.#lost = lost;
  }

  get live() {
    return this.#stream !== null;
  }

  async start() {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Problem(
        "Browsers give a camera only to pages that came by https or from this very device (localhost). " +
        "Serve the page with a certificate (--tls-cert, --tls-key), or choose a picture instead.",
      );
    }
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 720 } },
      });
    } catch (error) {
      throw new Problem(WHY[error.name] ?? `The camera cannot be used: ${error.message}`);
    }
    this.#stream.getVideoTracks()[0].addEventListener("ended", () => { this.stop(); this.#lost(); });
    this.#video.srcObject = this.#stream;
    await this.#video.play();
  }

  stop() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.#video.srcObject = null;
  }

  /** The picture of this moment, as JPEG. */
  async frame() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    if (!width) throw new Problem("The camera has given no picture yet.");
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width, height });
    canvas.getContext("2d").drawImage(this.#video, 0, 0);
    const blob = await new Promise((done) => { canvas.toBlob(done, "image/jpeg", 0.92); });
    if (blob === null) throw new Problem("The camera’s picture could not be taken.");
    return blob;
  }
}
