"""Words that addresses of public bodies' pages are made of, to tell where one was broken."""

_WORDS = """
    about aboutus abuse access accessibility account achievement action activities activity address
    adoption adult adults advice advocacy agencies agency agenda alcohol alert alerts allegations
    annual antisocial appendix application applications apprenticeship archive area article articles
    assessment assessments assets attachment attendance audit audits autumn aware awareness baby
    backgrounds behaviour board boards book booking booklet briefing briefings budget bulletin
    bullying business calendar campaign campaigns care career careers carers case catalogue category
    centre centres chair change changes chapter chapters charity check checklist child childcare
    childhood childminder childminders children childrens circular circulars clinical code
    collection commencement commission commissioner commissioning committee common communication
    communities community competency complaint complaints conference conferences confidentiality
    consent consultation consultations contact contacts contactus content contents core council
    councillors course courses crime criminal criteria cruelty culture current customer cyber data
    death deaths debate decision decisions default delivery department design detail details
    development digital directory disability disabled discipline discussion document documents
    domestic download downloads drugs early education email emergency employment engagement england
    enquiry environment equality event events evidence example examples exclusion exploitation
    external facts factsheet factsheets families family feedback female file files financial find
    finder first folder form forms forum foster fostering foundation framework freedom frequently
    funding further future gambling gender general glossary good governance government governors
    grooming group groups guidance guide guidebook guidelines guides handbook harassment harm health
    healthcare healthy help helping helpline home homelessness homepage homes hospital housing human
    image images immigration impact improvement inclusion independent index indicators induction
    information initial initiative inquiry inspection inspections insurance integrated intelligence
    internal international internet intervention introduction investigation issue issues jobs joint
    journal justice key knowledge language latest law leader leadership leaflet leaflets learning
    legal legislation letter letters library licence licensing life links list listing lists local
    location looked main management managers manual map marriage material materials media medical
    meeting meetings member members memo mental minutes missing model modern module modules
    monitoring multiagency national neglect network networks new news newsletter newsletters notes
    notice notices notification number nursery nursing offence offences office officer officers
    offline ongoing online open operational opinion order organisation organisations outcomes
    overall overview page pages panel paper papers parent parental parenting parents partner
    partners partnership partnerships pathway pathways people performance permission person personal
    physical places plan planning plans play playground police policies policy poster posters
    practice practitioner practitioners pregnancy presentation press prevention primary prison
    privacy private probation procedure procedures process professional professionals profile
    programme programmes project projects promotion protection protocol protocols provider providers
    public publication publications publicity quality question questionnaire questions quick
    quickstart radicalisation record records recruitment referral referrals reform refugee register
    registration regulation regulations relationship relationships release report reporting reports
    repository request research resource resources response responses responsibilities restraint
    review reviews rights risk risks role roles safe safeguard safeguarding safer safety scheme
    school schoolchildren schools search secondary section sector security self seminar serious
    service services settings sexual sexually sheet single site sitemap skincare social society
    speech sport staff standard standards start statement statements statistics statutory story
    strategic strategies strategy student students studies study subject submission subscription
    subscriptions suicide summary supervision supplement support survey surveys system systems table
    tackling task teacher teachers teaching team teams technology teenage teenagers template
    templates term terms terrorism textbook theme themes threshold thresholds timetable timetables
    toolkit toolkits tools topic topics trafficking training transition transport trust underage
    understanding unit university upcoming update updates upload uploads useful user users vacancies
    victim victims video videos violence visit visits voluntary volunteer volunteering volunteers
    vulnerable webpage webpages website welcome welfare wellbeing whitepaper winter witness
    witnesses women work workbook worker workers workforce working workplace worksheet worksheets
    workshop workshops year young your youth youthwork
"""

SLUG_WORDS = frozenset(_WORDS.split())
"""Written for this program, from the subjects and the page kinds of its field."""
