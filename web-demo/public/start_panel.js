// The panel that starts jobs: files dropped or chosen, samples, an invoice. What becomes of them comes over the stream.

const $ = (id) => document.getElementById(id);

/** On a phone the list stands below the panel: whoever starts a job is to see its card. */
function show_jobs() {
  const title = $('jobs-title').getBoundingClientRect();
  if (title.top < 0 || title.top > innerHeight - 200) $('jobs-title').scrollIntoView({ block: 'start' });
}

/** @typedef {{name: string, title: string, description: string, kind: string, fails?: boolean}} Sample */

const invoice = { name: 'invoice_pdf', title: 'Create an invoice PDF', description: 'A document, set page by page', kind: 'invoice_pdf' };

export class StartPanel {
  #application;
  #owner;

  /**
   * @param {string} application the demo application, as an origin
   * @param {string} owner whose jobs are started
   */
  constructor(application, owner) {
    this.#application = application;
    this.#owner = owner;
    this.#take_files();
    this.#offer();
  }

  #take_files() {
    const file = /** @type {HTMLInputElement} */ ($('file'));
    file.addEventListener('change', () => {
      this.#upload([...(file.files ?? [])]);
      file.value = '';
    });
    const drop = $('drop');
    const holds_files = (event) => event.dataTransfer?.types.includes('Files');
    // A file let go of beside the drop zone would make the browser leave the page.
    for (const type of ['dragover', 'drop']) window.addEventListener(type, (event) => holds_files(event) && event.preventDefault());
    drop.addEventListener('dragover', (event) => drop.toggleAttribute('data-over', holds_files(event)));
    drop.addEventListener('dragleave', () => drop.removeAttribute('data-over'));
    drop.addEventListener('drop', (event) => {
      drop.removeAttribute('data-over');
      this.#upload([...(event.dataTransfer?.files ?? [])]);
    });
  }

  /** @param {File[]} files */
  async #upload(files) {
    $('drop').toggleAttribute('data-busy', true);
    for (const file of files) {
      const query = new URLSearchParams({ filename: file.name, owner: this.#owner });
      await this.#ask(`/uploads?${query}`, { method: 'POST', headers: { 'Content-Type': 'text/csv' }, body: file });
    }
    $('drop').removeAttribute('data-busy');
    show_jobs();
  }

  async #offer() {
    const samples = /** @type {Sample[]|undefined} */ (await this.#ask('/samples'));
    // The application may still be starting.
    if (!samples) return void setTimeout(() => this.#offer(), 2000);
    samples.push(invoice);
    $('choices').replaceChildren(...samples.filter(({ fails }) => !fails).map((sample) => this.#choice(sample)));
    $('failures').replaceChildren(...samples.filter(({ fails }) => fails).map((sample) => this.#choice(sample)));
  }

  /** @param {Sample} sample */
  #choice({ name, title, description, kind }) {
    const item = document.createElement('li');
    item.innerHTML = `<button type="button" class="choice"><svg viewBox="0 0 24 24" aria-hidden="true"><use/></svg><span><strong></strong><small></small></span></button>`;
    item.querySelector('use').setAttribute('href', `#i-${kind}`);
    item.querySelector('strong').textContent = title;
    item.querySelector('small').textContent = description;
    const button = item.querySelector('button');
    button.dataset.sample = name;
    button.addEventListener('click', async () => {
      button.disabled = true;
      const body = JSON.stringify({ kind, sample: name, owner: this.#owner });
      await this.#ask('/jobs', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
      button.disabled = false;
      button.focus({ preventScroll: true });
      show_jobs();
    });
    return item;
  }

  /**
   * @param {string} path
   * @param {RequestInit} [init]
   * @returns {Promise<any>} undefined, and a word on the page, if refused
   */
  async #ask(path, init) {
    let trouble;
    let body;
    try {
      const response = await fetch(this.#application + path, init);
      body = await response.json().catch(() => undefined);
      if (!response.ok) trouble = body?.detail ?? `The demo application answered with status ${response.status}.`;
    } catch {
      trouble = `The demo application at ${this.#application} does not answer. It is started by scripts/demo.`;
    }
    $('start-problem').textContent = trouble ?? '';
    $('start-problem').hidden = !trouble;
    return trouble ? undefined : body;
  }
}
