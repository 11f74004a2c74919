/* Makes pages nicer to use; every page also works without it.
 *
 * - quantity steppers: the − and + buttons change the number between its bounds;
 * - orders: what is changed before htmx is there, or while an order is being saved, is kept and
 *   saved next, also when the visitor leaves the page;
 * - htmx: sends the token against cross-site forms, and says it when the connection failed;
 * - forms: a second tap on the same button does not send twice; errors get the focus;
 * - tables that become labelled rows on a phone stay tables for a screen reader;
 * - printing opens every "why?".
 */
(function () {
  "use strict";

  function step(button) {
    const input = button.closest(".stepper").querySelector("input");
    const before = input.value;
    if (before === "") {
      input.value = input.min || "0";
    } else if (button.dataset.step === "up") {
      input.stepUp();
    } else {
      input.stepDown();
    }
    if (input.value !== before) {
      input.dispatchEvent(new Event("input", { bubbles: true }));
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }

  function showBounds(stepper) {
    const input = stepper.querySelector("input");
    const value = Number(input.value || 0);
    const isAt = { down: input.min, up: input.max };
    stepper.querySelectorAll("[data-step]").forEach(function (button) {
      const bound = isAt[button.dataset.step];
      const reached = bound !== "" && value === Number(bound);
      button.setAttribute("aria-disabled", String(reached));
    });
  }

  /* Some browsers forget what a table is once its display changes; roles written out help. */
  function keepTableRoles(root) {
    const roles = {
      table: "table", thead: "rowgroup", tbody: "rowgroup", tfoot: "rowgroup", tr: "row",
      td: "cell", "thead th": "columnheader", "tbody th": "rowheader", "tfoot th": "rowheader",
    };
    root.querySelectorAll("table.stacked").forEach(function (table) {
      table.setAttribute("role", "table");
      Object.keys(roles).forEach(function (selector) {
        table.querySelectorAll(selector).forEach(function (part) {
          part.setAttribute("role", roles[selector]);
        });
      });
    });
  }

  function prepare(root) {
    root.querySelectorAll(".stepper").forEach(showBounds);
    keepTableRoles(root);
  }

  function focusErrors(root) {
    const summary = root.matches(".error-summary") ? root : root.querySelector(".error-summary");
    if (summary) {
      summary.focus();
    }
  }

  document.addEventListener("click", function (event) {
    const button = event.target.closest(".stepper [data-step]");
    if (button) {
      step(button);
    }
  });

  document.addEventListener("input", function (event) {
    const stepper = event.target.closest(".stepper");
    if (stepper) {
      showBounds(stepper);
    }
  });

  document.addEventListener("submit", function (event) {
    const form = event.target;
    if (form.dataset.sent === "yes") {
      event.preventDefault();
    } else if (form.method === "post" && !event.defaultPrevented && !form.hasAttribute("hx-post")) {
      form.dataset.sent = "yes";
      window.setTimeout(function () { delete form.dataset.sent; }, 5000);
    }
  });

  /* A page restored by the back button may send its form again. */
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) {
      delete form.dataset.sent;
    });
  });

  function showTrouble(isShown) {
    const trouble = document.getElementById("connection-trouble");
    if (trouble) {
      trouble.hidden = !isShown;
    }
  }

  document.addEventListener("htmx:configRequest", function (event) {
    const token = document.querySelector('meta[name="csrf-token"]');
    if (token) {
      event.detail.headers["X-CSRFToken"] = token.content;
    }
    showTrouble(false);
  });
  ["htmx:responseError", "htmx:sendError", "htmx:timeout"].forEach(function (name) {
    document.addEventListener(name, function () {
      showTrouble(true);
    });
  });
  /* An order saves itself; a form with a button of its own is saved by that alone. */
  const ORDER = "form[hx-post][hx-trigger]";
  const FIELDS = "input:not([type=hidden]), select";
  let sent = new Map();

  function orderFields(root) {
    const forms = root.matches(ORDER) ? [root] : Array.from(root.querySelectorAll(ORDER));
    return forms.flatMap(function (form) { return Array.from(form.querySelectorAll(FIELDS)); });
  }

  function isChanged(field) {
    if (field.tagName !== "SELECT") {
      return field.value !== field.defaultValue;
    }
    const chosen = field.querySelector("option[selected]") || field.options[0];
    return Boolean(chosen) && field.value !== chosen.value;
  }

  /* Fires once for the page and once for every part that htmx put into it. */
  document.addEventListener("htmx:load", function (event) {
    const part = event.detail.elt;
    prepare(part.parentElement || document);
    focusErrors(part);
    if (part === document.body) {
      /* Who tapped before htmx listened is heard now. */
      orderFields(document.body).filter(isChanged).slice(0, 1).forEach(function (field) {
        field.dispatchEvent(new Event("change", { bubbles: true }));
      });
    }
  });

  document.addEventListener("htmx:beforeRequest", function (event) {
    if (event.detail.elt.matches(ORDER)) {
      const fields = orderFields(event.detail.elt);
      sent = new Map(fields.map(function (field) { return [field.name, field.value]; }));
    }
  });

  /* The answer replaces the form: what was typed or chosen since it was sent moves to the new one. */
  document.addEventListener("htmx:beforeSwap", function (event) {
    const late = new Map();
    orderFields(document.body).forEach(function (field) {
      if (sent.has(field.name) && sent.get(field.name) !== field.value) {
        late.set(field.name, field.value);
      }
    });
    if (!event.detail.shouldSwap || !late.size) {
      return;
    }
    document.addEventListener("htmx:afterSettle", function () {
      orderFields(document.body).forEach(function (field) {
        if (late.has(field.name)) {
          field.value = late.get(field.name);
          field.dispatchEvent(new Event("input", { bubbles: true }));
          field.dispatchEvent(new Event("change", { bubbles: true }));
        }
      });
    }, { once: true });
  });

  /* Who leaves at once after the last tap has ordered all the same. */
  window.addEventListener("pagehide", function () {
    document.querySelectorAll(ORDER).forEach(function (form) {
      if (orderFields(form).some(isChanged)) {
        fetch(form.action, { method: "POST", body: new FormData(form), keepalive: true });
      }
    });
  });

  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details.why:not([open])").forEach(function (why) {
      why.dataset.openedForPrint = "yes";
      why.open = true;
    });
  });
  window.addEventListener("afterprint", function () {
    document.querySelectorAll("details[data-opened-for-print]").forEach(function (why) {
      delete why.dataset.openedForPrint;
      why.open = false;
    });
  });

  document.addEventListener("DOMContentLoaded", function () {
    prepare(document);
  });
})();
