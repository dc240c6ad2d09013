// What no page may do, whatever the journey: complain in the console, break its policy, ask another host.

/** Watches a browser context; `wrong` lists what it saw. */
export class Guard {
  wrong = [];
  #allowed = [];

  constructor(context, home) {
    const origin = new URL(home).origin;
    const own = (url) => url.startsWith(`${origin}/`) || /^(data|blob|about):/.test(url);
    context.on('request', (request) => own(request.url()) || this.#say(`asked another host: ${request.url()}`));
    context.on('console', (message) => {
      if (message.type() === 'error' || /content security policy/i.test(message.text())) {
        this.#say(`said in the console: ${message.text()} (${message.location().url})`);
      }
    });
    context.on('weberror', (error) => this.#say(`failed: ${error.error().stack ?? error.error()}`));
    context.on('dialog', (dialog) => {
      this.#say(`opened a ${dialog.type()}: ${dialog.message()}`);
      void dialog.dismiss();
    });
  }

  /** From now on something is expected, such as the error that the browser itself logs for a cut network. */
  allow(...patterns) {
    this.#allowed.push(...patterns);
  }

  #say(text) {
    if (!this.#allowed.some((pattern) => pattern.test(text))) this.wrong.push(text);
  }
}
