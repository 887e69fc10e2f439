document.body.onclick = async () => console.log((await import("./verify/verify.ts")).x);
