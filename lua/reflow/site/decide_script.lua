-- SPDX-License-Identifier: BSD-2-Clause
-- The script of the page on which one asks the core. It reads the form, asks the module of module/wasm/ask.h, and shows
-- the decision; the question is kept in the fragment of the address, with the names of the options of `reflow decide`.
return [==[
(function () {
  "use strict";
  var form = document.getElementById("ask"), out = document.getElementById("decision");
  var error = document.getElementById("ask-error"), scene = document.getElementById("ask-scene");
  var NUMBERS = ["code", "action", "status", "change", "value", "wait_min", "wait_max", "rest", "drop", "flags",
    "guardrail"];
  var TEXTS = ["action", "drop", "rule", "line", "why", "phrase", "status_phrase"];
  var data, words, core, memory, facts = [];

  /* What an element carries: zlib's format in base64. */
  function unpack(id) {
    var letters = atob(document.getElementById(id).textContent);
    var bytes = Uint8Array.from(letters, function (letter) { return letter.charCodeAt(0); });
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")));
  }

  function text(address) {
    var bytes = new Uint8Array(memory.buffer), end = address, result = "";
    while (bytes[end] !== 0) result += String.fromCharCode(bytes[end++]);
    return result;
  }

  function element(name, content, attributes) {
    var made = document.createElement(name);
    if (content !== undefined) made.append(content);
    for (var key in attributes) made.setAttribute(key, attributes[key]);
    return made;
  }

  function bits(number, name) {
    var names = [];
    for (var bit = 0; bit < 32; bit++)
      if (number >>> bit & 1) names.push(text(name(1 << bit >>> 0)));
    return names;
  }

  function ask(question) {
    core.ask_clear();
    core.ask_code(question.code);
    facts.forEach(function (fact, index) { core.ask_fact(index, question[fact.name] || 0); });
    core.ask_decide();
    var decision = { number: {}, text: {} };
    NUMBERS.forEach(function (name, index) { decision.number[name] = core.ask_number(index) >>> 0; });
    TEXTS.forEach(function (name, index) { decision.text[name] = text(core.ask_text(index)); });
    decision.flags = bits(decision.number.flags, core.ask_flag_name);
    decision.changes = bits(decision.number.change, core.ask_change_name);
    return decision;
  }

  /* The form's values; `bad` is the control whose value is not a number in its range. */
  function read() {
    var question = {}, typed = {}, bad = null;
    var wire = form.elements.origin.value === "wire";
    form.elements.code.disabled = !wire;
    [{ name: "code", limit: 699 }].concat(facts).forEach(function (fact) {
      var control = form.elements[fact.name], value;
      if (fact.words) {
        value = fact.words.indexOf(control.value);
        if (fact.name === "method" ? control.value !== "INVITE" : value > 0) typed[fact.name] = control.value;
      } else if (control.type === "checkbox") {
        value = control.checked ? 1 : 0;
        if (value) typed[fact.name] = "1";
      } else {
        var asked = fact.name !== "code" || wire;
        var fits = /^[0-9]{1,10}$/.test(control.value) && Number(control.value) <= fact.limit &&
          (fact.name !== "code" || Number(control.value) >= 100);
        value = asked && fits ? Number(control.value) : 0;
        control.setAttribute("aria-invalid", asked && !fits ? "true" : "false");
        if (asked && !fits) bad = bad || { control: control, fact: fact };
        if (asked && (value || fact.name === "code")) typed[fact.name] = String(value);
      }
      question[fact.name] = value;
    });
    if (question["retry-after"]) question["has-retry-after"] = 1;
    return { question: question, typed: typed, bad: bad };
  }

  /* Lines break between options. */
  function command(typed) {
    var words = ["reflow decide"], line = element("code");
    for (var name in typed) {
      if (name === "code") continue;
      var fact = facts.find(function (one) { return one.name === name; });
      words.push("--" + name + (fact.limit === 1 && !fact.words ? "" : " " + typed[name]));
    }
    if (typed.code !== undefined) words.push(typed.code);
    words.forEach(function (word, index) { line.append(index ? " " : "", element("span", word, { "class": "w" })); });
    return line;
  }

  /* With the decimal mark of the page's language. */
  function seconds(milliseconds) {
    return (milliseconds / 1000).toLocaleString(document.documentElement.lang, { useGrouping: false });
  }

  function add(list, label, content) {
    list.append(element("dt", label), element("dd", content));
  }

  function show_details(decision) {
    var list = element("dl"), number = decision.number, unit = " " + words.seconds;
    if (number.status)
      add(list, words.status, number.status + " " + decision.text.status_phrase);
    if (number.wait_max) {
      var range = number.wait_min === number.wait_max ? seconds(number.wait_max) :
        words.between.replace("%s", seconds(number.wait_min)).replace("%s", seconds(number.wait_max));
      add(list, words.wait, range + unit);
    }
    if (number.rest) add(list, words.rest, number.rest + unit);
    if (number.value) add(list, words.value, number.value + unit);
    if (decision.changes.length)
      add(list, words.change, decision.changes.map(function (name) { return words.changes[name]; }).join(", "));
    if (list.firstChild) out.append(list);
    var also = decision.flags.map(function (name) { return words.flags[name]; });
    if (words.drop[decision.text.drop]) also.push(words.drop[decision.text.drop]);
    if (also.length) {
      var points = element("ul");
      also.forEach(function (sentence) { points.append(element("li", sentence)); });
      out.append(points);
    }
  }

  function show_rule(decision) {
    var id = decision.text.rule, line = element("p");
    line.append(element("strong", words.rule + " "));
    line.append(element("a", id, { href: "../rules/" + id + "/index.html" }));
    if (decision.number.guardrail) line.append(" (" + words.guardrail + ")");
    line.append(": " + (data.rules[id] || decision.text.line) + ".");
    var why = element("p");
    why.append(element("strong", words.why + ": "), (data.reasons[decision.text.why] || decision.text.why) + ".");
    out.append(line, why);
  }

  function show_scene(decision, question) {
    var role = facts.find(function (fact) { return fact.name === "role"; }).words[question.role];
    var found = data.scenes.find(function (one) {
      return one.decisions.some(function (made) {
        return made.code === decision.number.code && made.action === decision.text.action &&
          made.rule === decision.text.rule && made.role === role;
      });
    });
    scene.textContent = "";
    if (!found) return;
    var figure = element("figure"), picture = new DOMParser().parseFromString(found.svg, "image/svg+xml");
    figure.append(element("figcaption", found.title), document.importNode(picture.documentElement, true));
    scene.append(element("h2", words.scene), figure);
  }

  function show(answer) {
    var decision = ask(answer.question), number = decision.number;
    out.textContent = "";
    var heading = element("p", undefined, { "class": "action" });
    heading.append(element("strong", words.actions[decision.text.action]), " ", element("code", decision.text.action));
    out.append(heading);
    if (number.code && number.code !== answer.question.code)
      out.append(element("p", words.acts_as + " " + number.code + " " + decision.text.phrase));
    show_details(decision);
    show_rule(decision);
    out.append(element("p", words.command + ":"), element("pre", command(answer.typed)));
    show_scene(decision, answer.question);
  }

  function update() {
    var answer = read();
    error.hidden = !answer.bad;
    if (answer.bad) {
      error.textContent = answer.bad.fact.name === "code" ? words.bad_code :
        words.facts[answer.bad.fact.name] + ": " + words.bad_number.replace("%d", answer.bad.fact.limit);
      out.textContent = scene.textContent = "";
      return;
    }
    var fragment = "#" + new URLSearchParams(answer.typed);
    if (fragment !== location.hash) history.replaceState(null, "", fragment);
    document.querySelectorAll("a[hreflang]").forEach(function (link) { link.hash = fragment; });
    show(answer);
  }

  /* Unknown names and values in the address are passed over. */
  function take_address() {
    var given = new URLSearchParams(location.hash.slice(1));
    form.reset();
    given.forEach(function (value, name) {
      var known = name === "code" || facts.some(function (fact) { return fact.name === name; });
      var control = known ? form.elements[name] : null;
      if (!control) return;
      if (control.type === "checkbox") control.checked = value === "1";
      else if (control.tagName === "SELECT") {
        if (Array.prototype.some.call(control.options, function (option) { return option.value === value; }))
          control.value = value;
      } else control.value = value;
    });
    form.querySelectorAll("details").forEach(function (group) {
      var numbers = Array.prototype.slice.call(group.querySelectorAll("input[type=number]"));
      group.open = group.open || !!group.querySelector("input:checked") ||
        numbers.some(function (one) { return one.value !== "0"; });
    });
    update();
  }

  function read_facts() {
    for (var index = 0; index < core.ask_fact_count(); index++) {
      var fact = { name: text(core.ask_fact_name(index)), limit: core.ask_fact_limit(index) >>> 0 };
      if (fact.name === "method" || text(core.ask_fact_word(index, 0))) {
        fact.words = [];
        for (var value = 0; value <= fact.limit; value++) fact.words.push(text(core.ask_fact_word(index, value)));
      }
      facts.push(fact);
    }
  }

  function start(parts) {
    data = parts[0];
    words = data.words;
    core = parts[1].instance.exports;
    memory = core.memory;
    read_facts();
    document.getElementById("ask-page").hidden = false;
    form.addEventListener("input", update);
    form.addEventListener("reset", function () { setTimeout(update); });
    form.addEventListener("submit", function (event) { event.preventDefault(); });
    addEventListener("hashchange", take_address);
    take_address();
  }

  function refuse() {
    document.getElementById("no-wasm").hidden = false;
  }

  if (typeof WebAssembly !== "object" || typeof DecompressionStream !== "function") return refuse();
  Promise.all([
    unpack("ask-data").json(),
    unpack("ask-core").arrayBuffer().then(function (bytes) { return WebAssembly.instantiate(bytes, {}); })
  ]).then(start, refuse);
})();
]==]
