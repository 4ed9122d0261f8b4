// A heap snapshot of V8: nodes and edges in columns, in the words of its heap profiler.
'use strict';

const fs = require('fs');

// What an object is made of, and not what it refers to.
const MADE_OF = new Set(['map', 'code', 'shared', 'feedback_cell', 'native_context', 'descriptors', 'script']);
// Types of nodes that are only inside of others.
const INNER = new Set(['hidden', 'array', 'code', 'object shape', 'native', 'synthetic']);

// The text of a snapshot, with what its header says of the numbers in it.
class Text {
  constructor(file) {
    this.text = fs.readFileSync(file);
    this.at = this.text.indexOf('"nodes":[');
    const header = this.text.toString('utf8', 0, this.at).trimEnd().replace(/,$/, '}');
    this.header = JSON.parse(header).snapshot;
  }

  // Puts the numbers of `"name":[…]` into columns, in turn; those of a missing column are left out. Tells how many
  // rows there are.
  fill(name, columns) {
    const { text } = this;
    let at = text.indexOf(`"${name}":[`, this.at) + name.length + 4;
    let [row, field, value, digits] = [0, 0, 0, 0];
    for (; at < text.length; at++) {
      const byte = text[at] - 48;
      if (byte >= 0 && byte <= 9) {
        value = value * 10 + byte;
        digits++;
        continue;
      }
      if (digits > 0) {
        if (columns[field]) columns[field][row] = value;
        if (++field === columns.length) [row, field] = [row + 1, 0];
        [value, digits] = [0, 0];
      }
      if (text[at] === 93) break;
    }
    this.at = at;
    return row;
  }

  // The named columns of all nodes.
  nodes(names) {
    const { meta, node_count: count } = this.header;
    const columns = meta.node_fields.map((name) => (names.includes(name) ? new Uint32Array(count) : null));
    this.fill('nodes', columns);
    return names.map((name) => columns[meta.node_fields.indexOf(name)]);
  }
}

class Snapshot {
  constructor(file) {
    const text = new Text(file);
    const { meta, node_count: count, edge_count: edges } = text.header;
    this.nodeCount = count;
    this.types = meta.node_types[0];
    this.edgeTypes = meta.edge_types[0];
    const names = ['type', 'name', 'id', 'self_size', 'edge_count'];
    let own;
    [this.type, this.name, this.id, this.selfSize, own] = text.nodes(names);
    this.firstEdge = new Uint32Array(count + 1);
    for (let node = 0; node < count; node++) this.firstEdge[node + 1] = this.firstEdge[node] + own[node];
    [this.edgeType, this.edgeName, this.toNode] = [0, 1, 2].map(() => new Uint32Array(edges));
    text.fill('edges', [this.edgeType, this.edgeName, this.toNode]);
    // An edge leads to where a node begins among the numbers.
    const width = meta.node_fields.length;
    for (let edge = 0; edge < edges; edge++) this.toNode[edge] /= width;
    const [nodes, scripts, lines] = [0, 1, 2].map(() => new Uint32Array(count));
    const located = text.fill('locations', [nodes, scripts, lines, null]);
    this.locations = new Map();
    for (let at = 0; at < located; at++) {
      this.locations.set(nodes[at] / width, { script: scripts[at], line: lines[at] + 1 });
    }
    const all = text.text;
    const strings = all.indexOf('"strings":[', text.at) + '"strings":'.length;
    this.strings = JSON.parse(all.toString('utf8', strings, all.lastIndexOf(']') + 1));
  }

  typeOf(node) {
    return this.types[this.type[node]];
  }

  nameOf(node) {
    return this.strings[this.name[node]];
  }

  edgeTypeOf(edge) {
    return this.edgeTypes[this.edgeType[edge]];
  }

  // Edges of an array or a table are numbered, the others have names.
  edgeNameOf(edge) {
    const type = this.edgeTypeOf(edge);
    return type === 'element' || type === 'hidden' ? this.edgeName[edge] : this.strings[this.edgeName[edge]];
  }

  // Whether it is there for people, or only inside of an object.
  isShown(node) {
    const type = this.typeOf(node);
    return type === 'object' ? !this.nameOf(node).startsWith('system / ') : !INNER.has(type);
  }

  // What V8 makes of the program is its own.
  isCompiled(node) {
    const type = this.typeOf(node);
    return type === 'code' || type === 'object shape';
  }

  // Whether the edge keeps what it leads to, in a way that one can speak of.
  retains(from, edge) {
    const type = this.edgeTypeOf(edge);
    if (type === 'weak') return false;
    if (this.isCompiled(this.toNode[edge])) return false;
    if (type !== 'internal') return true;
    const name = this.strings[this.edgeName[edge]];
    if (MADE_OF.has(name)) return false;
    // A table of weak keys keeps no value; the key does.
    const pair = / pair in WeakMap \(table @(\d+)\)$/.exec(name);
    return !pair || Number(pair[1]) !== this.id[from];
  }

  // Where the internal edge of that name leads to.
  internal(from, name) {
    for (let edge = this.firstEdge[from]; edge < this.firstEdge[from + 1]; edge++) {
      if (this.edgeTypeOf(edge) === 'internal' && this.edgeNameOf(edge) === name) return this.toNode[edge];
    }
    return -1;
  }

  // How many edges of a type there are; of properties, many make an object a table.
  count(from, type) {
    let found = 0;
    for (let edge = this.firstEdge[from]; edge < this.firstEdge[from + 1]; edge++) {
      if (this.edgeTypeOf(edge) === type) found++;
    }
    return found;
  }
}

// The highest number of a snapshot. V8 numbers upwards, and oddly: what has a higher one in a later snapshot was made
// since. The even ones are addresses of what is Node's own, and say nothing of time.
function lastId(file) {
  const [ids] = new Text(file).nodes(['id']);
  return ids.reduce((last, id) => (id % 2 === 1 && id > last ? id : last), 0);
}

module.exports = { Snapshot, lastId };
