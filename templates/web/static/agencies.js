// Narrows the list of agencies while somebody types. Without it, the button does the same.
"use strict";
(() => {
  const search = document.getElementById("search");
  const found = document.getElementById("found");
  const choices = [...document.querySelectorAll(".choice[data-words]")];
  const groups = [...document.querySelectorAll(".sector, .suggested")];
  if (!search || !found) return;
  let waiting;
  const narrow = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let fitting = 0;
    for (const choice of choices) {
      const fits = words.every((word) => choice.dataset.words.includes(word));
      fitting += fits;
      choice.hidden = !fits && !choice.querySelector("input").checked;
    }
    if (!fitting) for (const choice of choices) choice.hidden = false;
    for (const group of groups) {
      group.hidden = [...group.querySelectorAll(".choice")].every((choice) => choice.hidden);
    }
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      if (!words.length) found.textContent = "";
      else if (!fitting) found.textContent = `Nothing fits “${search.value.trim()}”. Here are all agencies.`;
      else found.textContent = `${fitting} ${fitting === 1 ? "agency fits" : "agencies fit"} “${search.value.trim()}”.`;
    }, 400);
  };
  search.addEventListener("input", narrow);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      narrow();
    }
  });
})();
