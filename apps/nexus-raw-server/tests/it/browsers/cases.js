// Runs by itself what a browser is to be tried with, and reports what came of each case. Which cases
// there are, and what must come of them, is the test's.

const setting = await (await fetch('./setting.json')).json()

// Pages read a file in pieces: no piece is longer than this.
const LONGEST_PIECE = 4 * 1024 * 1024

function refuseToReadWhole(realm) {
  const { arrayBuffer } = realm.Blob.prototype
  realm.Blob.prototype.arrayBuffer = function () {
    if (this.size > LONGEST_PIECE) throw new Error(`${this.size} bytes are read at once`)
    return arrayBuffer.call(this)
  }
  for (const name of ['bytes', 'text']) {
    realm.Blob.prototype[name] = () => { throw new Error(`a file is read whole, by ${name}()`) }
  }
  realm.FileReader = undefined
}

// As docs/API.md has it, with the headers that tracing libraries add.
function post(route, body) {
  return fetch(`${setting.service}/nexus/raw/${route}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${setting.token}`,
      'content-type': 'application/json',
      'x-tenant-id': 't_demo',
      'x-env': 'dev',
      tracestate: 'vendor=1',
      baggage: 'sentry-environment=test',
      'sentry-trace': '0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1',
    },
    body: JSON.stringify(body),
  })
}

async function presign(file) {
  const answer = await post('presign-upload', {
    filename: file.name,
    content_type: file.type,
    size_bytes: file.size,
    sha256: file.sha256,
  })
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(text)
  return { status: answer.status, ...JSON.parse(text) }
}

// The ways to PUT that a page has.
const ways = {
  async fetch({ method, url, headers }, content, { cache }) {
    return (await fetch(url, { method, headers, body: content, cache })).status
  },

  async request({ method, url, headers }, content, { bytes }) {
    const body = bytes ? new Uint8Array(await content.arrayBuffer()) : content
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest()
      request.open(method, url)
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
      request.onload = () => resolve(request.status)
      request.onerror = () => reject(new Error('XMLHttpRequest had no answer'))
      request.send(body)
    })
  },
}

async function upload(way) {
  const [file] = way.files
  const { status, asset_id, upload } = await presign(file)
  const put = await ways[way.by](upload, await content(file), way)
  const registered = await post('register', { asset_id })
  return { statuses: [status, put, registered.status], uris: [(await registered.json()).uri] }
}

// s3://BUCKET/tenants/TENANT/ENV/raw/ASSET/FILENAME
function idOf({ uris }) {
  return uris[0].split('/')[7]
}

async function content(file) {
  const bytes = await (await fetch(`./${file.content}`)).blob()
  return new File([bytes], file.name, { type: file.type })
}

// A page of the document, unchanged, in a frame: its form is filled in and sent.
async function page(way) {
  const frame = document.createElement('iframe')
  frame.src = way.page
  const loaded = new Promise((resolve) => (frame.onload = resolve))
  document.body.append(frame)
  await loaded
  const { contentWindow: realm, contentDocument: page } = frame
  const chosen = new realm.DataTransfer()
  for (const file of way.files) chosen.items.add(await content(file))
  refuseToReadWhole(window)
  refuseToReadWhole(realm)
  const { elements } = page.forms[0]
  elements.token.value = setting.token
  elements.files.files = chosen.files
  page.forms[0].requestSubmit()

  const ended = (what) => [...page.querySelectorAll(`ul .${what}`)]
  const isFull = (bar) => bar.value === bar.max && bar.max > 0
  await new Promise((resolve) => {
    const look = () => {
      const bars = [...page.querySelectorAll('progress')]
      // Uppy says how far it is every half second
      const isDone = ended('registered').length === way.files.length && bars.every(isFull)
      if (isDone || ended('failed').length > 0) resolve()
    }
    const all = { attributes: true, childList: true, subtree: true }
    new MutationObserver(look).observe(page.documentElement, all)
    look()
  })
  return {
    failed: ended('failed').map((line) => line.textContent),
    uris: ended('registered').map((line) => line.querySelector('output').textContent),
  }
}

// The page of the document that downloads, of a file that was uploaded before. What it has saved is
// compared here once more.
async function download(way) {
  const uploaded = await upload({ ...way, by: 'fetch' })
  const frame = document.createElement('iframe')
  frame.src = way.page
  const loaded = new Promise((resolve) => (frame.onload = resolve))
  document.body.append(frame)
  await loaded
  const { contentDocument: page } = frame
  const { elements } = page.forms[0]
  elements.token.value = setting.token
  elements.asset.value = idOf(uploaded)
  page.forms[0].requestSubmit()
  const line = await new Promise((resolve) => {
    const look = () => {
      const ended = page.querySelector('ul .downloaded, ul .failed')
      if (ended) resolve(ended)
    }
    new MutationObserver(look).observe(page.documentElement, { attributes: true, childList: true, subtree: true })
    look()
  })
  const link = line.querySelector('a')
  if (!link) return { ...uploaded, failed: line.textContent }
  const saved = await (await fetch(link.href)).arrayBuffer()
  const expected = await (await fetch(`./${way.files[0].content}`)).arrayBuffer()
  const bytes = new Uint8Array(expected)
  const isSame = saved.byteLength === bytes.length && new Uint8Array(saved).every((it, at) => it === bytes[at])
  return { ...uploaded, saved: link.download, isSame }
}

// A page of an origin that nobody lets in, which was even given URLs.
async function stranger(way) {
  const [file] = way.files
  const registeredId = idOf(await upload({ ...way, by: 'fetch' }))
  const { url: download } = await (await post(`${registeredId}/presign-download`, {})).json()
  const { asset_id, upload: permission } = await presign(file)
  const frame = document.createElement('iframe')
  frame.src = `${way.origin}/stranger.html`
  const loaded = new Promise((resolve) => (frame.onload = resolve))
  document.body.append(frame)
  await loaded
  const message = new Promise((resolve) => (window.onmessage = (event) => resolve(event.data)))
  frame.contentWindow.postMessage({ setting, upload: permission, download }, way.origin)
  const tried = await message
  const registered = await post('register', { asset_id })
  return { tried, statuses: [registered.status], code: (await registered.json()).code }
}

const kinds = { upload, page, download, stranger }

async function report(result) {
  await fetch('./report', { method: 'POST', body: JSON.stringify(result) })
}

for (const [number, way] of setting.cases.entries()) {
  let result
  try {
    result = await kinds[way.kind](way)
  } catch (error) {
    result = { error: `${error}` }
  }
  await report({ number, ...result })
}
