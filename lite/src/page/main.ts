/** What every page of the book loads: the elements, the reader's work, Live Code, the service worker. */
import "../../styles/tt.css";
import { TinyTorchCell } from "../elements/cell.ts";
import { TinyTorchExercise } from "../elements/exercise.ts";
import { TinyTorchExplore } from "../elements/explore.ts";
import { TinyTorchMap } from "../elements/map.ts";
import { exercises, pageApi } from "./api.ts";
import { registerServiceWorker } from "./isolation.ts";
import { answerLiveCode } from "./live-code.ts";
import { showProgress } from "./progress.ts";
import { pageSession } from "./session.ts";
import { addWorkMenu } from "./work-menu.ts";

const session = pageSession();
// Listening before the elements exist: nothing that is pressed early gets lost.
answerLiveCode(session);
customElements.define("tt-cell", TinyTorchCell);
customElements.define("tt-exercise", TinyTorchExercise);
// Last: it works on a cell that is there.
customElements.define("tt-explore", TinyTorchExplore);
customElements.define("tt-map", TinyTorchMap);

const api = pageApi(session, Promise.all(exercises().map((exercise) => exercise.loaded)).then(() => undefined));
window.tinytorch = api;
if (document.querySelector("tt-cell, tt-exercise, tt-map")) addWorkMenu(session, api);
showProgress(session);
void registerServiceWorker(session);
