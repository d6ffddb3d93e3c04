// Pictures in the browser: smaller copies for reading codes and cards; frames of the camera.

/** Return a JPEG of at most `side` pixels; the file itself when the browser cannot read it. */
export async function smaller(file, side) {
  try {
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
    if (scale === 1 && file.type === "image/jpeg" && file.size < 2e6) return file;
    return await jpeg(bitmap, bitmap.width * scale, bitmap.height * scale, 0.92);
  } catch {
    return file;
  }
}

/** Draw a source at a size in pixels and return it as a JPEG blob. */
export function jpeg(source, width, height, quality) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width);
  canvas.height = Math.round(height);
  canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
  return new Promise((done, fail) => {
    canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("no picture"))), "image/jpeg", quality);
  });
}
