// The 14 x 14 map of a report as a small canvas over its image. One hue, the more opaque the hotter: the report says
// where, the inspection view how hot.
const SIDE = 14;
const COLOUR = [255, 70, 20];
const OPACITY = 0.65;

// base64: 14 x 14 bytes, 255 is heat 1
export function paintHeat(base64, threshold) {
  const heat = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const image = new ImageData(SIDE, SIDE);
  heat.forEach((value, i) => {
    const share = value / 255;
    image.data.set([...COLOUR, share >= threshold ? Math.round(255 * OPACITY * share) : 0], 4 * i);
  });
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: SIDE, height: SIDE, className: "heat" });
  canvas.setAttribute("aria-hidden", "true");
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
