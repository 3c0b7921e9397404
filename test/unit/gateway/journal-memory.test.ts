/** The stand-in for the journal in gateway tests keeps the journal's contract. */
import { journalContract } from "../../contract/journal.ts";
import { MemoryJournal } from "../../support/journal-memory.ts";

journalContract("memory", () => new MemoryJournal());
