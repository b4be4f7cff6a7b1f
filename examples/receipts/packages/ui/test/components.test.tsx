import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import {
  Button,
  EmptyState,
  Notice,
  QuotaMeter,
  SelectField,
  StateList,
  TextField,
} from '../src/index.ts';

describe('Button', () => {
  it('submits nothing unless told to', () => {
    expect(renderToStaticMarkup(<Button>Save</Button>)).toContain('type="button"');
    expect(renderToStaticMarkup(<Button type="submit">Save</Button>)).toContain('type="submit"');
  });

  it('cannot be pressed twice', () => {
    const markup = renderToStaticMarkup(<Button busy>Save</Button>);
    expect(markup).toContain('disabled=""');
    expect(markup).toContain('aria-busy="true"');
  });
});

describe('TextField', () => {
  it('ties the label to the input', () => {
    const markup = renderToStaticMarkup(<TextField label="Merchant" name="merchant" />);
    const id = /<label for="([^"]+)"/.exec(markup)?.[1];
    expect(id).toBeDefined();
    expect(markup).toContain(`id="${id ?? ''}"`);
    expect(markup).not.toContain('aria-describedby');
  });

  it('shows an error in place of the hint, and ties it to the input', () => {
    const markup = renderToStaticMarkup(
      <TextField label="Amount" hint="Such as 12.50" error="Digits only" />,
    );
    const id = /aria-describedby="([^"]+)"/.exec(markup)?.[1];
    expect(markup).toContain(`<p id="${id ?? ''}" class="field-error">Digits only</p>`);
    expect(markup).toContain('aria-invalid="true"');
    expect(markup).not.toContain('Such as');
  });
});

describe('SelectField', () => {
  it('keeps its options', () => {
    const markup = renderToStaticMarkup(
      <SelectField label="Currency" defaultValue="EUR">
        <option>EUR</option>
        <option>USD</option>
      </SelectField>,
    );
    expect(markup.match(/<option/g)).toHaveLength(2);
    expect(markup).toContain('aria-invalid="false"');
  });
});

describe('Notice', () => {
  it('interrupts only for an error', () => {
    expect(renderToStaticMarkup(<Notice tone="error">No</Notice>)).toContain('role="alert"');
    expect(renderToStaticMarkup(<Notice tone="info">Yes</Notice>)).toContain('role="status"');
  });
});

describe('QuotaMeter', () => {
  it.each([
    [3, 'comfortable', 'Starts again'],
    [8, 'near', 'Nearly used up'],
    [10, 'exhausted', 'with a larger plan'],
  ] as const)('with %i of 10 used is %s', (used, level, advice) => {
    const markup = renderToStaticMarkup(
      <QuotaMeter
        name="Quota"
        what="receipts"
        used={used}
        limit={10}
        level={level}
        resetsOn="1 December"
      />,
    );
    expect(markup).toContain(advice);
    expect(markup).toContain(`<strong>${used}</strong> of 10`);
  });

  it('never draws past the end of the bar', () => {
    const markup = renderToStaticMarkup(
      <QuotaMeter
        name="Quota"
        what="receipts"
        used={150}
        limit={10}
        level="exhausted"
        resetsOn="1 December"
      />,
    );
    expect(markup).toContain('value="10"');
    expect(markup).toContain('<strong>150</strong>');
  });
});

describe('StateList', () => {
  it('says in words what state each is in', () => {
    const states = [{ name: 'E-mail', state: 'not configured', good: false }];
    const markup = renderToStaticMarkup(<StateList label="Services" states={states} />);
    expect(markup).toContain('<dt>E-mail</dt><dd>not configured</dd>');
    expect(markup).toContain('aria-label="Services"');
  });
});

describe('EmptyState', () => {
  it('says what to do next', () => {
    expect(renderToStaticMarkup(<EmptyState title="None yet">Add one.</EmptyState>)).toContain(
      '<p>Add one.</p>',
    );
  });
});
