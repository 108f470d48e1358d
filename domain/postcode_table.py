"""Where is the middle of each postal area that is known?

Degrees of latitude and longitude, rounded to two decimals: half a mile. How the numbers were made,
how good they are and how to add to them is said in docs/distance.md.

United Kingdom: the mean position of the postcodes of an area, or in London of a district, reckoned
from the National Statistics Postcode Lookup of May 2025. Contains OS data © Crown copyright and
database right 2025. Contains Royal Mail data © Royal Mail copyright and database right 2025.
Source: Office for National Statistics, licensed under the Open Government Licence v3.0.

BT, GY, IM, JE and the whole of Canada: means and medians reckoned from the postal code data of
GeoNames (www.geonames.org) of April 2024, licensed under Creative Commons Attribution 4.0. A
Canadian city that shares a letter and a digit with others is put where its centre is.
"""

from typing import Final

#: The letters that a postcode begins with, and where they are: 121 areas of the United Kingdom,
#: Guernsey, the Isle of Man and Jersey.
BRITISH_AREAS: Final = """
AB 57.30 -2.31     AL 51.78 -0.28     B 52.46 -1.89      BA 51.23 -2.42     BB 53.79 -2.33
BD 53.83 -1.83     BH 50.75 -1.89     BL 53.59 -2.41     BN 50.83 -0.12     BR 51.39 0.04
BS 51.45 -2.62     BT 54.62 -6.37     CA 54.73 -3.11     CB 52.21 0.19      CF 51.53 -3.29
CH 53.29 -3.02     CM 51.76 0.40      CO 51.90 0.92      CR 51.36 -0.10     CT 51.26 1.23
CV 52.37 -1.50     CW 53.15 -2.45     DA 51.44 0.22      DD 56.54 -2.86     DE 52.93 -1.49
DG 55.02 -3.88     DH 54.82 -1.61     DL 54.53 -1.66     DN 53.54 -0.72     DT 50.75 -2.48
DY 52.45 -2.18     E 51.54 -0.02      EC 51.52 -0.10     EH 55.93 -3.23     EN 51.68 -0.09
EX 50.83 -3.66     FK 56.08 -3.86     FY 53.83 -3.02     G 55.87 -4.27      GL 51.84 -2.18
GU 51.23 -0.72     GY 49.45 -2.60     HA 51.59 -0.34     HD 53.63 -1.78     HG 54.04 -1.55
HP 51.72 -0.69     HR 52.06 -2.72     HS 57.98 -6.70     HU 53.77 -0.35     HX 53.72 -1.89
IG 51.58 0.07      IM 54.21 -4.52     IP 52.20 1.08      IV 57.59 -4.12     JE 49.20 -2.13
KA 55.56 -4.61     KT 51.36 -0.34     KW 58.65 -3.28     KY 56.16 -3.21     L 53.42 -2.96
LA 54.17 -2.90     LD 52.13 -3.34     LE 52.64 -1.15     LL 53.13 -3.72     LN 53.26 -0.36
LS 53.82 -1.55     LU 51.90 -0.51     M 53.48 -2.27      ME 51.33 0.59      MK 52.06 -0.67
ML 55.78 -3.94     N 51.59 -0.11      NE 55.04 -1.64     NG 53.01 -1.07     NN 52.29 -0.84
NP 51.67 -3.02     NR 52.65 1.34      NW 51.56 -0.20     OL 53.58 -2.13     OX 51.79 -1.29
PA 56.07 -4.91     PE 52.63 -0.05     PH 56.56 -3.74     PL 50.43 -4.33     PO 50.80 -1.03
PR 53.72 -2.75     RG 51.40 -1.03     RH 51.11 -0.21     RM 51.55 0.22      S 53.39 -1.41
SA 51.76 -4.21     SE 51.47 -0.04     SG 51.95 -0.16     SK 53.37 -2.10     SL 51.52 -0.64
SM 51.36 -0.18     SN 51.51 -1.89     SO 50.93 -1.39     SP 51.11 -1.78     SR 54.88 -1.39
SS 51.56 0.60      ST 52.98 -2.15     SW 51.46 -0.17     SY 52.66 -3.05     TA 51.06 -3.07
TD 55.62 -2.52     TF 52.71 -2.46     TN 51.08 0.44      TQ 50.46 -3.62     TR 50.21 -5.24
TS 54.58 -1.22     TW 51.45 -0.39     UB 51.53 -0.42     W 51.51 -0.19      WA 53.39 -2.59
WC 51.52 -0.12     WD 51.66 -0.39     WF 53.69 -1.50     WN 53.53 -2.64     WR 52.16 -2.17
WS 52.65 -1.96     WV 52.58 -2.16     YO 54.05 -0.89     ZE 60.22 -1.20
"""

#: London's districts. There is no E19.
LONDON_DISTRICTS: Final = """
E1 51.52 -0.06     E2 51.53 -0.06     E3 51.53 -0.03     E4 51.62 0.00     E5 51.56 -0.05
E6 51.53 0.06      E7 51.55 0.03      E8 51.54 -0.06     E9 51.54 -0.05     E10 51.57 -0.01
E11 51.57 0.01     E12 51.55 0.05     E13 51.53 0.03     E14 51.51 -0.02    E15 51.54 0.00
E16 51.51 0.02     E17 51.59 -0.02    E18 51.59 0.03     E20 51.55 -0.01    EC1 51.52 -0.10
EC2 51.52 -0.09    EC3 51.51 -0.08    EC4 51.51 -0.10    N1 51.54 -0.10     N2 51.59 -0.17
N3 51.60 -0.19     N4 51.57 -0.11     N5 51.55 -0.10     N6 51.57 -0.14     N7 51.55 -0.12
N8 51.58 -0.12     N9 51.63 -0.06     N10 51.59 -0.14    N11 51.61 -0.14    N12 51.62 -0.18
N13 51.62 -0.10    N14 51.63 -0.13    N15 51.58 -0.09    N16 51.56 -0.08    N17 51.60 -0.07
N18 51.61 -0.06    N19 51.57 -0.13    N20 51.63 -0.17    N21 51.64 -0.10    N22 51.60 -0.11
NW1 51.53 -0.14    NW2 51.56 -0.22    NW3 51.55 -0.17    NW4 51.59 -0.22    NW5 51.55 -0.14
NW6 51.54 -0.20    NW7 51.61 -0.24    NW8 51.53 -0.17    NW9 51.59 -0.25    NW10 51.54 -0.25
NW11 51.58 -0.20   SE1 51.50 -0.09    SE2 51.49 0.11     SE3 51.47 0.02     SE4 51.46 -0.04
SE5 51.47 -0.09    SE6 51.44 -0.02    SE7 51.49 0.03     SE8 51.48 -0.03    SE9 51.45 0.05
SE10 51.48 0.00    SE11 51.49 -0.11   SE12 51.45 0.03    SE13 51.46 -0.01   SE14 51.48 -0.04
SE15 51.47 -0.07   SE16 51.50 -0.06   SE17 51.49 -0.09   SE18 51.49 0.07    SE19 51.42 -0.09
SE20 51.41 -0.06   SE21 51.44 -0.09   SE22 51.45 -0.07   SE23 51.44 -0.05   SE24 51.46 -0.10
SE25 51.40 -0.08   SE26 51.43 -0.05   SE27 51.43 -0.10   SE28 51.50 0.10    SW1 51.49 -0.14
SW2 51.45 -0.12    SW3 51.49 -0.16    SW4 51.46 -0.14    SW5 51.49 -0.19    SW6 51.48 -0.20
SW7 51.50 -0.18    SW8 51.48 -0.13    SW9 51.47 -0.11    SW10 51.48 -0.18   SW11 51.47 -0.16
SW12 51.45 -0.15   SW13 51.47 -0.25   SW14 51.47 -0.27   SW15 51.46 -0.23   SW16 51.42 -0.13
SW17 51.43 -0.17   SW18 51.45 -0.19   SW19 51.42 -0.21   SW20 51.41 -0.22   W1 51.52 -0.14
W2 51.51 -0.19     W3 51.51 -0.27     W4 51.49 -0.26     W5 51.51 -0.30     W6 51.49 -0.23
W7 51.51 -0.34     W8 51.50 -0.20     W9 51.52 -0.19     W10 51.52 -0.22    W11 51.51 -0.22
W12 51.51 -0.24    W13 51.51 -0.32    W14 51.50 -0.21    WC1 51.52 -0.12    WC2 51.51 -0.12
"""

#: The first letters of Canadian codes: the province they belong to (X: the two territories that
#: share it), and the mean place of their forward sortation areas.
CANADIAN_LETTERS: Final = (
    ("A", "NL", 48.68, -55.49),
    ("B", "NS", 45.26, -62.64),
    ("C", "PE", 46.32, -63.25),
    ("E", "NB", 46.33, -66.09),
    ("G", "QC", 47.44, -70.86),
    ("H", "QC", 45.53, -73.65),
    ("J", "QC", 45.84, -73.85),
    ("K", "ON", 45.08, -76.19),
    ("L", "ON", 43.69, -79.52),
    ("M", "ON", 43.71, -79.39),
    ("N", "ON", 43.06, -81.27),
    ("P", "ON", 47.49, -84.01),
    ("R", "MB", 50.25, -97.70),
    ("S", "SK", 51.60, -105.66),
    ("T", "AB", 52.65, -113.63),
    ("V", "BC", 49.81, -122.72),
    ("X", "NT", 67.38, -106.08),
    ("Y", "YT", 62.31, -134.58),
)

#: Of these, those that are one city: Montreal and Toronto. Any other letter is a whole province or
#: a large part of one.
CANADIAN_CITY_LETTERS: Final = "HM"

#: Canadian cities, and the codes that are theirs: "K1" is all that begins with it, "K4:ABC" is
#: K4A, K4B and K4C.
CANADIAN_CITIES: Final = (
    ("St. John's", 47.56, -52.71, "A1:ABCEGHKLMNSWX"),
    ("Sydney", 46.14, -60.19, "B1:LMNPRS"),
    ("Dartmouth", 44.68, -63.54, "B2:VWXYZ"),
    ("Halifax", 44.65, -63.60, "B3"),
    ("Bedford and Sackville", 44.75, -63.67, "B4:ABCEG"),
    ("Charlottetown", 46.24, -63.13, "C1:ABCE"),
    ("Summerside", 46.39, -63.79, "C1:N"),
    ("Moncton", 46.09, -64.78, "E1:ABCEGJ"),
    ("Saint John", 45.30, -66.03, "E2:EGHJKLMNPRS"),
    ("Fredericton", 45.95, -66.65, "E3:ABCG"),
    ("Quebec", 46.81, -71.26, "G1"),
    ("Quebec, north", 46.85, -71.33, "G2"),
    ("Quebec, north-west", 46.85, -71.42, "G3:AEGJK"),
    ("Rimouski", 48.45, -68.52, "G5:LMN"),
    ("Lévis", 46.76, -71.22, "G6:CJKVWXZ"),
    ("Victoriaville", 46.06, -71.96, "G6:PRST"),
    ("Saguenay", 48.42, -71.15, "G7:BGHJKNSTXYZ G8:A"),
    ("Trois-Rivières", 46.35, -72.56, "G8:TVWYZ G9:ABC"),
    ("Shawinigan", 46.57, -72.74, "G9:NPRT"),
    ("Montreal, east", 45.59, -73.57, "H1"),
    ("Montreal, north", 45.54, -73.60, "H2"),
    ("Montreal, centre", 45.50, -73.61, "H3"),
    ("Montreal, west", 45.48, -73.66, "H4"),
    ("Montreal, downtown", 45.50, -73.56, "H5"),
    ("Laval", 45.58, -73.74, "H7"),
    ("Lachine and LaSalle", 45.44, -73.67, "H8"),
    ("West Island", 45.47, -73.86, "H9"),
    ("Sherbrooke", 45.40, -71.90, "J1:CEGHJKLMNR"),
    ("Drummondville", 45.88, -72.48, "J2:ABCE"),
    ("Granby", 45.40, -72.73, "J2:GHJ"),
    ("Saint-Hyacinthe", 45.63, -72.95, "J2:RST"),
    ("Saint-Jean-sur-Richelieu", 45.31, -73.26, "J2:WXY J3:AB"),
    ("Saint-Hubert", 45.50, -73.39, "J3:VYZ"),
    ("Longueuil", 45.51, -73.47, "J4"),
    ("La Prairie", 45.39, -73.53, "J5:ABCR"),
    ("Repentigny", 45.74, -73.45, "J5:YZ J6:A"),
    ("Châteauguay", 45.36, -73.74, "J6:JK"),
    ("Terrebonne", 45.71, -73.64, "J6:VWXY J7:KL"),
    ("Blainville", 45.66, -73.86, "J6:Z J7:ABCEGH"),
    ("Saint-Eustache", 45.56, -73.90, "J7:PR"),
    ("Saint-Jérôme", 45.78, -74.00, "J5:L J7:YZ"),
    ("Gatineau", 45.46, -75.71, "J8:PRTVXYZ J9:AHJ"),
    ("Ottawa", 45.42, -75.66, "K1"),
    ("Ottawa, west", 45.33, -75.82, "K2"),
    ("Ottawa, east", 45.47, -75.47, "K4:ABC"),
    ("Cornwall", 45.02, -74.73, "K6:HJK"),
    ("Kingston", 44.24, -76.52, "K7:KLMNP"),
    ("Belleville", 44.17, -77.38, "K8:NPR"),
    ("Peterborough", 44.30, -78.32, "K9:HJKL"),
    ("Bowmanville", 43.91, -78.69, "L1:BC"),
    ("Oshawa", 43.90, -78.86, "L1:EGHJKL"),
    ("Whitby", 43.89, -78.94, "L1:MNPR"),
    ("Ajax", 43.85, -79.02, "L1:STZ"),
    ("Pickering", 43.84, -79.09, "L1:VWXY"),
    ("Niagara Falls", 43.10, -79.09, "L2:EGHJ"),
    ("St. Catharines", 43.17, -79.24, "L2:MNPRSTVW"),
    ("Welland", 42.99, -79.25, "L3:BC"),
    ("Markham", 43.87, -79.29, "L3:PRS L6:BCEG"),
    ("Thornhill", 43.82, -79.42, "L3:T L4:J"),
    ("Newmarket and Aurora", 44.04, -79.46, "L3:XY L4:G"),
    ("Richmond Hill", 43.89, -79.43, "L4:BCES"),
    ("Vaughan", 43.81, -79.56, "L4:HKL L6:A"),
    ("Barrie", 44.38, -79.69, "L4:MN L9:JX"),
    ("Mississauga, north", 43.65, -79.63, "L4:TVWXYZ"),
    ("Mississauga", 43.58, -79.65, "L5"),
    ("Oakville", 43.45, -79.70, "L6:HJKLM"),
    ("Brampton", 43.70, -79.76, "L6:PRSTVWXYZ L7:A"),
    ("Burlington", 43.36, -79.81, "L7:LMNPRST"),
    ("Hamilton", 43.24, -79.84, "L8"),
    ("Hamilton, west", 43.22, -79.92, "L9:ABCGHK"),
    ("Milton", 43.52, -79.88, "L9:ET"),
    ("Scarborough", 43.77, -79.26, "M1"),
    ("North York, east", 43.78, -79.39, "M2"),
    ("North York, west", 43.74, -79.47, "M3"),
    ("Toronto, east", 43.69, -79.36, "M4"),
    ("Toronto, downtown", 43.65, -79.38, "M5"),
    ("Toronto, west", 43.67, -79.45, "M6"),
    ("Toronto, business mail", 43.72, -79.32, "M7"),
    ("Etobicoke, south", 43.63, -79.51, "M8"),
    ("Etobicoke, north", 43.70, -79.55, "M9"),
    ("Guelph", 43.54, -80.25, "N1:CEGHKL"),
    ("Cambridge", 43.38, -80.31, "N1:PRST N3:CEH"),
    ("Kitchener", 43.44, -80.48, "N2:ABCEGHKMNPR"),
    ("Waterloo", 43.48, -80.53, "N2:JLTV"),
    ("Brantford", 43.14, -80.26, "N3:PRSTV"),
    ("Woodstock", 43.13, -80.75, "N4:STV"),
    ("London, east", 43.00, -81.19, "N5:VWXYZ"),
    ("London", 42.96, -81.25, "N6"),
    ("St. Thomas", 42.78, -81.19, "N5:PR"),
    ("Sarnia", 42.98, -82.38, "N7:STVWX"),
    ("Chatham", 42.40, -82.19, "N7:LM"),
    ("Windsor", 42.29, -82.99, "N8:NPRSTVWXY N9:ABCEGHJK"),
    ("North Bay", 46.31, -79.46, "P1:ABC"),
    ("Sudbury", 46.51, -80.97, "P3"),
    ("Timmins", 48.47, -81.34, "P4"),
    ("Sault Ste. Marie", 46.53, -84.33, "P6"),
    ("Thunder Bay", 48.40, -89.26, "P7:ABCEGJK"),
    ("Winnipeg, east", 49.92, -97.11, "R2"),
    ("Winnipeg, west", 49.87, -97.18, "R3"),
    ("Brandon", 49.85, -99.95, "R7:ABC"),
    ("Regina", 50.45, -104.61, "S4:KLMNPRSTVWXYZ"),
    ("Moose Jaw", 50.40, -105.54, "S6:HJK"),
    ("Prince Albert", 53.20, -105.75, "S6:VWX"),
    ("Saskatoon", 52.13, -106.63, "S7"),
    ("Medicine Hat", 50.04, -110.68, "T1:ABC"),
    ("Lethbridge", 49.69, -112.84, "T1:HJK"),
    ("Calgary, south", 51.02, -114.05, "T2 T3:MS"),
    ("Calgary, north", 51.10, -114.13, "T1:Y T3:ABCEGHJKLNPR"),
    ("Airdrie", 51.29, -114.01, "T4:AB"),
    ("Red Deer", 52.27, -113.81, "T4:ENPR"),
    ("Edmonton, north", 53.57, -113.51, "T5"),
    ("Edmonton, south", 53.46, -113.46, "T6"),
    ("Spruce Grove", 53.54, -113.93, "T7:XYZ"),
    ("Sherwood Park", 53.53, -113.30, "T8:ABCEGH"),
    ("St. Albert", 53.63, -113.63, "T8:NT"),
    ("Grande Prairie", 55.17, -118.80, "T8:VWX"),
    ("Fort McMurray", 56.73, -111.38, "T9:HJK"),
    ("Kelowna", 49.89, -119.47, "V1:PVWXYZ V4:T"),
    ("Vernon", 50.27, -119.27, "V1:BHT"),
    ("Kamloops", 50.68, -120.34, "V1:S V2:BCEH"),
    ("Prince George", 53.91, -122.76, "V2:KLMN"),
    ("Chilliwack", 49.14, -121.96, "V2:PR V4:Z"),
    ("Abbotsford", 49.05, -122.33, "V2:ST V3:G V4:X"),
    ("Mission", 49.14, -122.31, "V2:V V4:S"),
    ("Maple Ridge", 49.22, -122.59, "V2:WX V4:R"),
    ("Langley", 49.11, -122.63, "V1:M V2:YZ V3:A V4:W"),
    ("Coquitlam", 49.27, -122.79, "V3:BCEHJKY"),
    ("New Westminster", 49.21, -122.92, "V3:LMN"),
    ("Surrey", 49.15, -122.82, "V3:RSTVWXZ V4:N"),
    ("White Rock", 49.03, -122.81, "V4:ABP"),
    ("Delta", 49.09, -123.04, "V4:CEGKLM"),
    ("Vancouver, east", 49.25, -123.04, "V5"),
    ("Vancouver, west", 49.26, -123.13, "V6"),
    ("Richmond", 49.16, -123.13, "V7:ABCE"),
    ("North Vancouver", 49.33, -123.06, "V7:GHJKLMNPR"),
    ("West Vancouver", 49.34, -123.19, "V7:STVW"),
    ("Vancouver, downtown", 49.28, -123.12, "V7:XY"),
    ("Victoria", 48.46, -123.38, "V8:NPRSTVWXYZ V9:ABCE"),
    ("Sidney", 48.62, -123.41, "V8:LM"),
    ("Nanaimo", 49.17, -123.95, "V9:RSTVX"),
    ("Courtenay", 49.69, -124.99, "V9:JMN"),
    ("Campbell River", 50.02, -125.27, "V9:HW"),
    ("Yellowknife", 62.46, -114.35, "X1"),
    ("Whitehorse", 60.72, -135.05, "Y1"),
)
