-- References that have no row in the links: mailto: and other schemes (decision 0024), endless ones, and what is no URL. NULL in
-- rows that came before.
ALTER TABLE page ADD COLUMN links_other INTEGER;
ALTER TABLE page_old ADD COLUMN links_other INTEGER;
