"""What a certificate of a participation says, in both languages."""

from __future__ import annotations

from wijkeconomie.core.typesetting import Language

WORDS: dict[Language, dict[str, str]] = {
    "nl": {
        "title": "Bewijs van deelname {code}",
        "page": "pagina",
        "of": "van",
        "kvk": "KvK",
        "member": "Lid",
        "project": "Project",
        "number": "Nummer",
        "units": "Delen",
        "price": "Prijs per deel",
        "amount": "Samen betaald",
        "since": "Telt mee vanaf",
        "intro": "{member} doet mee aan {project}. Deze delen staan op naam van het lid in het "
        "register van de coöperatie.",
        "what": "Wat dit is",
        "equity": "Deze delen zijn eigen vermogen van de coöperatie. Een overschot wordt over de "
        "delen verdeeld als de ledenvergadering dat besluit. Een verlies gaat van de waarde af, "
        "nooit verder dan nul.",
        "subordinated": "Deze delen zijn een achtergestelde lening aan de coöperatie. Gaat het "
        "mis, dan worden andere schulden eerst betaald.",
        "loan": "Deze delen zijn een lening aan de coöperatie.",
        "leaving_title": "Als je weggaat",
        "leaving": "Als het lid de coöperatie verlaat, komt wat er van de delen over is na "
        "{months} maanden vrij, volgens de regels van het project.",
        "closing": "Dit bewijs is geen waardepapier en kan niet worden verhandeld. Het register "
        "van de coöperatie is leidend.",
    },
    "en": {
        "title": "Certificate of participation {code}",
        "page": "page",
        "of": "of",
        "kvk": "KvK",
        "member": "Member",
        "project": "Project",
        "number": "Number",
        "units": "Units",
        "price": "Price of a unit",
        "amount": "Paid together",
        "since": "Counts since",
        "intro": "{member} takes part in {project}. These units stand in the member's name in the "
        "register of the cooperative.",
        "what": "What this is",
        "equity": "These units are own capital of the cooperative. A surplus is shared over the "
        "units when the meeting of members decides so. A loss comes off their value, never "
        "further than zero.",
        "subordinated": "These units are a subordinated loan to the cooperative. When things go "
        "wrong, other debts are paid first.",
        "loan": "These units are a loan to the cooperative.",
        "leaving_title": "If you leave",
        "leaving": "When the member leaves the cooperative, what is left of the units is released "
        "after {months} months, by the rules of the project.",
        "closing": "This certificate is no security and cannot be traded. The register of the "
        "cooperative decides.",
    },
}
