// What microphones and cameras have in common when they cannot be had.

/** VS Code gives its notebooks neither. */
export const inEditor = () =>
  location.protocol.startsWith("vscode") || location.hostname.endsWith(".vscode-cdn.net");

/** The error of asking for any device: where there is none, WebKit complains of the wishes. */
export const anyDevice = (error) =>
  error.name === "OverconstrainedError" ? new DOMException(error.message, "NotFoundError") : error;
